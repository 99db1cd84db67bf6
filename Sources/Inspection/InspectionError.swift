public import Checkpoints
public import Failures
public import Pictures
public import Safetensors

/// Why a path can't be inspected.
public enum InspectionError: Error {
  /// A file with tensors can't be read.
  case safetensors(SafetensorsError)
  /// A configuration or a pipeline can't be read.
  case checkpoint(CheckpointError)
  /// A picture can't be read to its end.
  case picture(PictureError)
}

extension InspectionError: ClassifiedError, CustomStringConvertible {
  private var cause: any ClassifiedError & CustomStringConvertible {
    switch self {
    case .safetensors(let error): error
    case .checkpoint(let error): error
    case .picture(let error): error
    }
  }

  /// What went wrong in general.
  public var failureKind: FailureKind { cause.failureKind }
  /// The cause's own line.
  public var description: String { cause.description }
}
