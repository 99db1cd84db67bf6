public import Checkpoints
public import DiffusionTransformers
public import Failures
public import ModelLoading
public import Schedules
public import SystemPackage
public import TextEncoders
public import Tokenizers

/// Why a pipeline can't be put together or used.
public enum PipelineError: Error {
  /// A folder or a component's files.
  case checkpoint(CheckpointError)
  /// A component's configuration or tensors.
  case model(ModelError)
  /// A tokenizer's files.
  case tokenizer(TokenizerError)
  /// The scheduler's configuration, or what was asked of it.
  case schedule(ScheduleError)
  /// A text encoder's input.
  case textEncoder(TextEncoderError)
  /// What the text encoders make is not what the transformer takes.
  case conditioning(ConditioningError)
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
    case .checkpoint(let error): "\(error)"
    case .model(let error): "\(error)"
    case .tokenizer(let error): "\(error)"
    case .schedule(let error): "\(error)"
    case .textEncoder(let error): "\(error)"
    case .conditioning(let error): "\(error)"
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

  /// That of the error inside.
  public var failureKind: FailureKind {
    switch self {
    case .checkpoint(let error): kind(error)
    case .model(let error): kind(error)
    case .tokenizer(let error): kind(error)
    case .schedule(let error): kind(error)
    case .textEncoder, .conditioning, .autoencoderDiffers, .unknownPipeline: .wrongData
    case .invalid: .usage
    }
  }
}

private func kind(_ error: any Error) -> FailureKind {
  (error as? any ClassifiedError)?.failureKind ?? .wrongData
}
