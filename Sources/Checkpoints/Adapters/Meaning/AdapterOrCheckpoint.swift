internal import Checkpoints
public import SystemPackage
internal import Tensors

/// What a file is that may stand in the wrong place of a command line.
public enum AdapterOrCheckpoint: Sendable, Equatable {
  /// A LoRA adapter, or a bundle.
  case adapter
  /// A checkpoint, with its title.
  case checkpoint(String)

  /// What a path names, by headers alone; nil when it is neither, or can't be told.
  public init?(_ path: FilePath) {
    guard let input = try? OpenedCheckpoint(opening: path) else { return nil }
    let description = input.description
    switch description.subject {
    case .transformer(let architecture): self = .checkpoint(architecture.family.title)
    case .component(_, _, let title), .lookAlike(let title): self = .checkpoint(title)
    case .unknown:
      guard
        ExpertBundle.isBundle(input.source.metadata)
          || AdapterFile.seemsAdapter(names: input.source.tensors.lazy.map(\.name))
      else { return nil }
      self = .adapter
    }
  }
}
