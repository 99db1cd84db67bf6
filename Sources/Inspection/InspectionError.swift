public import Adapters
public import Checkpoints
public import Failures
public import Pictures
public import Safetensors
public import SystemPackage

/// Why a path can't be inspected.
public enum InspectionError: Error {
  /// A file with tensors can't be read.
  case safetensors(SafetensorsError)
  /// A configuration or a pipeline can't be read.
  case checkpoint(CheckpointError)
  /// An adapter can't be used.
  case adapter(AdapterError)
  /// A picture can't be read to its end.
  case picture(PictureError)
  /// What was asked makes no sense for this kind of file.
  case notComparable(file: FilePath, detail: String)

  /// An error of no kind that reading is known to throw.
  case unforeseen(detail: String)

  /// What reading of tensor data throws.
  init(reading error: any Error) {
    self =
      (error as? SafetensorsError).map { .safetensors($0) } ?? .unforeseen(detail: "\(error)")
  }
}

extension InspectionError: ClassifiedError, CustomStringConvertible {
  private var cause: (any ClassifiedError & CustomStringConvertible)? {
    switch self {
    case .safetensors(let error): error
    case .checkpoint(let error): error
    case .adapter(let error): error
    case .picture(let error): error
    case .notComparable, .unforeseen: nil
    }
  }

  /// What went wrong in general.
  public var failureKind: FailureKind { cause?.failureKind ?? .wrongData }

  /// The cause's own line.
  public var description: String {
    if case .notComparable(let file, let detail) = self { return "\(file): \(detail)" }
    if case .unforeseen(let detail) = self { return detail }
    return cause?.description ?? ""
  }
}
