internal import Adapters
internal import Checkpoints
public import SystemPackage
internal import Tensors

/// Telling what an input is before it is converted.
public enum Conversions {
  /// What an input is.
  public enum InputKind: Sendable {
    /// A checkpoint, of whatever kind.
    case checkpoint
    /// An adapter or a bundle of them, and whether it is compressed.
    case adapter(isCompressed: Bool)
  }

  /// Whether a path names a checkpoint or an adapter. Reads headers only.
  ///
  /// - Parameters:
  ///   - path: what is asked about.
  ///   - base: where the base of a difference is, instead of where the file says.
  /// - Returns: what it is.
  /// - Throws: ``ConversionError/checkpoint(_:)`` when it can't be read.
  public static func kind(
    of path: FilePath, base: FilePath? = nil
  ) throws -> InputKind {
    let input = try OpenedCheckpoint(opening: path, base: base)
    guard case .unknown = input.description.subject,
      ExpertBundle.isBundle(input.source.metadata)
        || AdapterFile.seemsAdapter(names: input.source.tensors.lazy.map(\.name))
    else { return .checkpoint }
    return .adapter(isCompressed: input.source.container != .safetensors)
  }
}
