internal import Checkpoints
internal import Compression
internal import Files
internal import Rewriting
internal import Safetensors
public import SystemPackage
internal import Tensors
internal import Text

/// What takes a merge back, bit for bit: the base's file, kept as the difference to the merged one.
public struct UndoFile: Sendable {
  private let path: FilePath

  /// What `--reversible` wrote.
  public init(_ path: FilePath) { self.path = path }

  /// `NAME.undo.safetensors` beside an output.
  init(beside output: FilePath) {
    path = output.removingLastComponent().appending(
      (output.stem ?? "merged") + ".undo.safetensors")
  }

  /// Refuses bases that a difference can't bring back, and outputs that would be in the way of it.
  func check(_ request: BakeRequest, _ input: OpenedCheckpoint) throws {
    guard input.source.container == .safetensors, input.source.files.count == 1,
      let file = input.source.files.first
    else {
      throw MergeError.usage(
        "\(input.path): --reversible takes a base of one plain safetensors file, found "
          + (input.source.files.count > 1
            ? "\(input.source.files.count) shards" : input.source.container.name)
          + "; keep the base, or make one file of it with glance-convert")
    }
    // The difference is made when the output is there, and then the base must still be.
    if let output = FileIdentity(of: request.output), Self.isIn(output, file) {
      throw MergeError.usage(
        "\(request.output): --reversible needs the base until the end, and this is the base "
          + "itself; write to another place")
    }
    if !request.form.overwrite, FileIdentity(of: path) != nil {
      throw FileError.destinationExists(file: path)
    }
  }

  /// Whether a file is what an identity says, or lies in a folder that is.
  private static func isIn(_ place: FileIdentity, _ file: FilePath) -> Bool {
    var path = file
    repeat {
      if FileIdentity(of: path) == place { return true }
    } while path.removeLastComponent()
    return false
  }

  /// Writes what undoes a merge that was written.
  func write(for bake: Bake) throws -> FilePath {
    guard let file = bake.input.source.files.first else {
      preconditionFailure("a base has a file")
    }
    let output = bake.request.output
    let merged = try OpenedCheckpoint(opening: output).source
    // The difference itself refuses another file only where it refers to the merged one, which it
    // doesn't when the merge changed the type; so the name says which file it is.
    let name = BaseReference(
      merged: output.lastComponent?.string ?? "", digest: try BaseDigest.hexadecimal(of: merged)
    ).text
    try SafetensorsFile(opening: file).compress(
      to: path, base: (merged, name),
      overwrite: bake.request.form.overwrite)
    return path
  }

  /// Refuses a file that an undo file isn't for.
  private func check(
    _ merged: FilePath, _ source: TensorSource, _ packed: TensorSource
  ) throws {
    let recorded = BaseReference((try? packed.baseName()) ?? "")
    guard let expected = recorded.digest else { return }
    let found = try BaseDigest.hexadecimal(of: source)
    guard expected.sameBytes(as: found) else {
      throw MergeError.otherMerge(
        file: merged, undo: path, name: recorded.file,
        expected: "digest \(expected)", found: "digest \(found)")
    }
  }

  /// Restores the file that a merge began with.
  ///
  /// - Parameters:
  ///   - merged: what was merged; another file is refused by its checksums.
  ///   - output: the file to write.
  ///   - overwrite: whether it may replace a file.
  ///   - progress: called with bytes that were restored; may throw to stop.
  /// - Throws: ``MergeError``, or what the closure throws.
  public func restore(
    _ merged: FilePath, to output: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void
  ) throws {
    let base = try OpenedCheckpoint(opening: merged).source
    let packed = try TensorSource(opening: path)
    try check(merged, base, packed)
    do {
      try packed.restore(
        base: base, to: output, overwrite: overwrite, progress: progress)
    } catch CompressionError.wrongBase(_, _, let expected, let found) {
      let name = BaseReference((try? packed.baseName()) ?? "").file
      throw MergeError.otherMerge(
        file: merged, undo: path, name: name, expected: expected, found: found)
    }
  }
}
