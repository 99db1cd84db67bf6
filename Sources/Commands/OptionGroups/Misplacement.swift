internal import Adapters
internal import CommandSupport
public import Drawing
internal import SystemPackage

/// A file that stands where one of another kind belongs.
public enum Misplacement {
  /// The error to show for one that was thrown: that a file is of another kind than its option is
  /// for, where that is so, since anything else follows from it.
  public static func explained(_ error: any Error, _ request: DrawingRequest) -> any Error {
    for file in request.adapters.map(\.file) {
      guard case .checkpoint(let title) = AdapterOrCheckpoint(file) else { continue }
      return AdapterArgument.Mistake(
        "--adapter: \(file): a checkpoint (\(title)), expected an adapter; a checkpoint in place of "
          + "the model's transformer is --transformer")
    }
    for file in request.transformers.map(\.file) where AdapterOrCheckpoint(file) == .adapter {
      return AdapterArgument.Mistake(
        "--transformer: \(file): an adapter, expected a checkpoint; adapters are --adapter")
    }
    return error
  }
}
