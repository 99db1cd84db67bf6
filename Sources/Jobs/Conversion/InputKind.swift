internal import Adapters
internal import Checkpoints
public import SystemPackage
internal import Tensors

/// What the input of a conversion is.
public enum InputKind: Sendable {
  /// A checkpoint, of whatever kind.
  case checkpoint
  /// An adapter or a bundle of them, and whether it is compressed.
  case adapter(isCompressed: Bool)

  /// What a path names. Reads headers only.
  ///
  /// - Parameters:
  ///   - path: what is asked about.
  ///   - base: where the base of a difference is, instead of where the file says.
  /// - Throws: when it can't be read.
  public init(of path: FilePath, base: FilePath? = nil) throws {
    let input = try OpenedCheckpoint(opening: path, base: base)
    guard case .unknown = input.description.subject,
      ExpertBundle.isBundle(input.source.metadata)
        || AdapterFile.seemsAdapter(names: input.source.tensors.lazy.map(\.name))
    else {
      self = .checkpoint
      return
    }
    self = .adapter(isCompressed: input.source.container != .safetensors)
  }
}
