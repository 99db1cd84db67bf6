internal import DiffusionTransformers
public import Failures
internal import ModelLoading
internal import Schedules
public import SystemPackage
internal import TextEncoders
internal import Tokenizers

/// Why a pipeline can't be put together or used.
public enum PipelineError: Error {
  /// Autoencoder and transformer are not of one model.
  case autoencoderDiffers(folder: FilePath, expected: String, found: String)
  /// The folder is a pipeline of another kind.
  case unknownPipeline(folder: FilePath, className: String, known: [String])
  /// A value that was asked for can't be used.
  case invalid(option: String, expected: String, found: String)
}

extension PipelineError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .autoencoderDiffers(let folder, let expected, let found):
      "\(folder): the transformer needs an autoencoder with \(expected), found \(found); "
        + "do both belong to the same model?"
    case .unknownPipeline(let folder, let className, let known):
      "\(folder): a pipeline of class '\(className)', expected "
        + known.joined(separator: " or ")
    case .invalid(let option, let expected, let found):
      "\(option): expected \(expected), found \(found)"
    }
  }

  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .autoencoderDiffers, .unknownPipeline: .wrongData
    case .invalid: .usage
    }
  }
}
