internal import GGUF
package import Safetensors

/// Where the bytes of an output's tensors go: any order, from several threads, each byte once.
package struct TensorSink: Sendable {
  let write: @Sendable (_ bytes: RawSpan, _ tensor: Int, _ byteOffset: Int) throws -> Void
  let commit: @Sendable () throws -> Void

  /// One safetensors file.
  package init(_ writer: SafetensorsWriter) {
    write = { try writer.write($0, tensor: $1, at: $2) }
    commit = { try writer.commit() }
  }

  /// A safetensors file or shards.
  package init(_ writer: ShardedWriter) {
    write = { try writer.write($0, tensor: $1, at: $2) }
    commit = { try writer.commit() }
  }

  /// One GGUF file.
  init(_ writer: GGUFWriter) {
    write = { try writer.write($0, tensor: $1, at: $2) }
    commit = { try writer.commit() }
  }
}
