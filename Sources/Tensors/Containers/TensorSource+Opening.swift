internal import Compression
internal import GGUF
internal import Safetensors
package import SystemPackage
package import Tensors

extension TensorSource {
  /// Opens the tensors of a file or folder of any format that is read: safetensors, one file or
  /// shards, plain or compressed, or GGUF.
  ///
  /// - Parameters:
  ///   - path: a file, an index, or a folder.
  ///   - base: gives what a difference of this name was made from.
  /// - Throws: the error of the format.
  package init(
    container path: FilePath,
    base: (_ difference: TensorSource, _ name: String) throws -> TensorSource
  ) throws {
    let source: TensorSource
    do { source = try TensorSource(opening: path) } catch SafetensorsError.notSafetensors(
      let file, .gguf)
    {
      self = try openGGUF(file)
      return
    } catch SafetensorsError.notSafetensors(let file, .zstd) where file.extension == "zst" {
      self = try TensorSource(zstd: file)
      return
    }
    guard source.isCompressed else {
      self = source
      return
    }
    let opened = try source.baseName().map { try base(source, $0) }
    self = try source.decompressed(base: opened)
  }

  /// Whether an error tells of a part of a checkpoint whose others aren't there.
  package static func tellsOfMissingParts(_ error: any Error) -> Bool {
    switch error {
    case SafetensorsError.partOfCheckpoint, GGUFError.partOfCheckpoint: true
    default: false
    }
  }

  /// What a file says of its tensors whose bytes can't be had: a difference without its base, a part
  /// without the others, types of GGUF that are not decoded.
  ///
  /// - Parameters:
  ///   - path: what was opened.
  ///   - error: why it can't be opened as it should.
  /// - Returns: nil for an error of another kind.
  /// - Throws: the error of the format, where even that can't be read.
  package static func outline(of path: FilePath, refusedWith error: any Error) throws
    -> TensorSource?
  {
    switch error {
    case CompressionError.baseNeeded:
      try TensorSource(opening: path).outlined()
    case SafetensorsError.partOfCheckpoint(let file, _, _, _):
      TensorSource(try SafetensorsFile(opening: file), problems: ["\(error)"])
    case GGUFError.partOfCheckpoint(let file, _, _, _):
      try openGGUF(file, listsUnknownTypes: true, joinsParts: false).withProblem("\(error)")
    case GGUFError.cannotDecode(let file, _, _):
      try openGGUF(file, listsUnknownTypes: true)
    default: nil
    }
  }
}
