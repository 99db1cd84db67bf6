internal import Checkpoints
internal import Compression
internal import Safetensors
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Taking a merge back, bit for bit: the base's file is kept as the difference to the merged one.
public enum Undoing {
  /// Refuses bases that a difference can't bring back, and outputs that would be in the way of it.
  static func check(_ request: BakeRequest, _ input: CheckpointInput) throws(MergeError) {
    guard input.source.container == "safetensors", input.source.files.count == 1,
      let file = input.source.files.first
    else {
      throw .usage(
        "\(input.path): --reversible takes a base of one plain safetensors file, found "
          + (input.source.files.count > 1
            ? "\(input.source.files.count) shards" : input.source.container)
          + "; keep the base, or make one file of it with glance-convert")
    }
    // The difference is made when the output is there, and then the base must still be.
    if let output = identity(of: request.output), isIn(output, file) {
      throw .usage(
        "\(request.output): --reversible needs the base until the end, and this is the base "
          + "itself; write to another place")
    }
    let undo = path(for: request.output)
    if !request.overwrite, identity(of: undo) != nil {
      throw .safetensors(.destinationExists(file: undo))
    }
  }

  /// `NAME.undo.safetensors` beside an output.
  static func path(for output: FilePath) -> FilePath {
    output.removingLastComponent().appending((output.stem ?? "merged") + ".undo.safetensors")
  }

  /// Whether a file is what an identity says, or lies in a folder that is.
  private static func isIn(_ place: SIMD2<UInt64>, _ file: FilePath) -> Bool {
    var path = file
    repeat {
      if identity(of: path) == place { return true }
    } while path.removeLastComponent()
    return false
  }

  /// What tells a file from every other, whatever it is called; nil when there is none.
  private static func identity(of file: FilePath) -> SIMD2<UInt64>? {
    var status = stat()
    guard unsafe stat(file.string, &status) == 0 else { return nil }
    return SIMD2(UInt64(status.st_dev), UInt64(status.st_ino))
  }

  /// Writes what undoes a merge that was written.
  static func write(for bake: Bake) throws -> FilePath {
    guard let file = bake.input.source.files.first else {
      preconditionFailure("a base has a file")
    }
    let output = bake.request.output
    let path = path(for: output)
    let merged = try CheckpointInput(opening: output).source
    try Compression.compress(
      SafetensorsFile(opening: file), to: path,
      base: (merged, output.lastComponent?.string ?? ""), overwrite: bake.request.overwrite)
    return path
  }

  /// Restores the file that a merge began with.
  ///
  /// - Parameters:
  ///   - merged: what was merged; another file is refused by its checksums.
  ///   - undo: what `--reversible` wrote.
  ///   - output: the file to write.
  ///   - overwrite: whether it may replace a file.
  ///   - progress: called with bytes that were restored; may throw to stop.
  /// - Throws: ``MergeError``, or what the closure throws.
  public static func restore(
    _ merged: FilePath, with undo: FilePath, to output: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void
  ) throws {
    let base: TensorSource
    do { base = try CheckpointInput(opening: merged).source } catch {
      throw MergeError.checkpoint(error)
    }
    let packed: TensorSource
    do { packed = try TensorSource(opening: undo) } catch { throw MergeError.safetensors(error) }
    do {
      try Compression.restore(
        packed, base: base, to: output, overwrite: overwrite, progress: progress)
    } catch CompressionError.wrongBase(_, _, let expected, let found) {
      let name = try? Compression.baseName(of: packed)
      throw MergeError.otherMerge(
        file: merged, undo: undo, name: name ?? "", expected: expected, found: found)
    } catch let error as CompressionError { throw MergeError.checkpoint(.compression(error)) }
  }
}
