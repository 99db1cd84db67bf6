public import Failures
public import SystemPackage
internal import Text

/// Why the tensors of a checkpoint can't be had.
public enum TensorError: Error, Equatable {
  /// A tensor that the caller needs isn't there.
  case missingTensor(file: FilePath, tensor: String)
  /// Two files of a checkpoint have a tensor of the same name, and no index says which counts.
  case tensorInTwoShards(folder: FilePath, tensor: String, shards: [String])
}

extension TensorError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind { .wrongData }
}

extension TensorError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .missingTensor(let file, let tensor):
      "\(file): no tensor \(quoted(tensor))"
    case .tensorInTwoShards(let folder, let tensor, let shards):
      "\(folder): tensor \(quoted(tensor)) is in several shards (\(shortList(shards)))"
    }
  }
}
