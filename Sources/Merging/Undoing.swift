internal import Checkpoints
internal import Compression
internal import Safetensors
public import SystemPackage

/// Taking a merge back, bit for bit: the base's file is kept as the difference to the merged one.
public enum Undoing {
  /// Refuses bases that a difference can't bring back.
  static func check(_ input: CheckpointInput) throws(MergeError) {
    guard input.source.container == "safetensors", input.source.files.count == 1 else {
      throw .usage(
        "\(input.path): --reversible takes a base of one plain safetensors file, found "
          + (input.source.files.count > 1
            ? "\(input.source.files.count) shards" : input.source.container)
          + "; keep the base, or make one file of it with glance-convert")
    }
  }

  /// Writes what undoes a merge that was written: `NAME.undo.safetensors` beside its output.
  static func write(for bake: Bake) throws -> FilePath {
    guard let file = bake.input.source.files.first else {
      preconditionFailure("a base has a file")
    }
    let output = bake.request.output
    let name = (output.stem ?? "merged") + ".undo.safetensors"
    let path = output.removingLastComponent().appending(name)
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
    } catch let error as CompressionError { throw MergeError.checkpoint(.compression(error)) }
  }
}
