import Adapters
import CommandSupport
import Merging
import SystemPackage

/// What stands in another's place on the command line.
extension Merge {
  /// The error to show for one that was thrown: that a file is of another kind than its place is
  /// for, where that is so, since anything else follows from it.
  func explained(_ error: any Error) -> any Error { misplacement() ?? error }

  private func misplacement() -> MergeError? {
    let takesBase = mode == .bake
    if takesBase, let base = inputs.first, AdapterOrCheckpoint(FilePath(base)) == .adapter {
      return .usage(
        "the base comes first, and \(base) is an adapter"
          + (inputs.count > 1 ? ": glance-merge BASE \(base) …" : ""))
    }
    for text in inputs.dropFirst(takesBase ? 1 : 0) {
      guard let file = try? AdapterArgument(text).file,
        case .checkpoint(let title) = AdapterOrCheckpoint(file)
      else { continue }
      return .usage(
        "\(file): a checkpoint (\(title)), expected an adapter; "
          + (takesBase
            ? "one base is merged at a time, and --extract makes an adapter of a tuned checkpoint"
            : "--mode \(mode.rawValue) takes no base"))
    }
    return nil
  }
}
