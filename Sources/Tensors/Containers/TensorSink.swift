package import GGUF
package import Safetensors
package import SystemPackage
package import Tensors

/// Where the bytes of an output's tensors go: any order, from several threads, each byte once.
package struct TensorSink: Sendable {
  package let write: @Sendable (_ bytes: RawSpan, _ tensor: Int, _ byteOffset: Int) throws -> Void
  package let commit: @Sendable () throws -> Void
  /// Writes other metadata; nil where they can't be changed any more.
  package let replaceMetadata: (@Sendable (Metadata) throws -> Void)?

  /// One safetensors file with these tensors, in this order; it appears complete or not at all.
  ///
  /// - Parameters:
  ///   - path: the destination.
  ///   - tensors: what is written.
  ///   - metadata: texts of the header.
  ///   - headerReserve: bytes that other metadata may take before the file is finished.
  ///   - overwrite: whether a file there may be replaced.
  /// - Throws: when the file can't be made.
  package init(
    creating path: FilePath, tensors: [TensorDescription],
    metadata: Metadata = [], headerReserve: Int = 0, overwrite: Bool
  ) throws {
    self.init(
      try SafetensorsWriter(
        creating: path, tensors: tensors, metadata: metadata, headerReserve: headerReserve,
        overwrite: overwrite))
  }

  /// One safetensors file.
  package init(_ writer: SafetensorsWriter) {
    write = { try writer.write($0, tensor: $1, at: $2) }
    commit = { try writer.commit() }
    replaceMetadata = { try writer.replaceMetadata($0) }
  }

  /// Nowhere: for what is made to be measured.
  package static let nowhere = TensorSink()

  private init() {
    write = { _, _, _ in }
    commit = {}
    replaceMetadata = nil
  }

  /// A safetensors file or shards.
  package init(_ writer: ShardedWriter) {
    write = { try writer.write($0, tensor: $1, at: $2) }
    commit = { try writer.commit() }
    replaceMetadata = { try writer.replaceMetadata($0) }
  }

  /// One GGUF file.
  package init(_ writer: GGUFWriter) {
    write = { try writer.write($0, tensor: $1, at: $2) }
    commit = { try writer.commit() }
    replaceMetadata = nil
  }
}
