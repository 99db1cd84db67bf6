public import Safetensors
public import SystemPackage

extension TensorSource {
  /// Opens a checkpoint of any format that is read: safetensors, one file or shards, plain or
  /// compressed, or GGUF.
  ///
  /// - Parameters:
  ///   - path: a file, an index, or a folder.
  ///   - base: where the base of a difference is, instead of where the file says.
  public init(openingAny path: FilePath, base: FilePath? = nil) throws(CheckpointError) {
    do { self = try TensorSource(opening: path) } catch { throw .safetensors(error) }
  }
}
