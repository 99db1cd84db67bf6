public import Checkpoints
internal import JSON
public import SystemPackage
internal import Tensors

/// A checkpoint as its header tells which experts were baked into it.
public struct BakedExpert: Sendable {
  /// What was named: a file, shards, a component's folder or a pipeline's.
  public let path: FilePath
  /// Whether it is a pipeline's folder, whose transformer it is about.
  public let isPipeline: Bool
  /// The transformer's family; nil when it isn't known.
  public let family: ModelFamily?
  /// The phase, schedule and guidance that it declares; nothing for a checkpoint that wasn't baked.
  public let declared: GlanceMetadata
  /// The base of the merge; nil when it was none.
  public let base: MergedBase?
  /// Names of the adapters' files and their strengths, those of blocks included.
  public let adapters:
    [(file: String, strength: Double, blocks: [(name: String, strength: Double)])]

  /// Reads headers and configurations.
  public init(opening path: FilePath) throws { try self.init(OpenedCheckpoint(opening: path)) }

  /// What the header of an open checkpoint tells.
  public init(_ input: OpenedCheckpoint) throws {
    let texts = input.source.texts
    self.path = input.path
    if case .pipeline = input.form { isPipeline = true } else { isPipeline = false }
    family = input.description.family
    declared = try GlanceMetadata(texts, file: input.path)
    base = texts[MergedBase.key].flatMap { MergedBase($0) }
    let merged = texts["glance.merged"].flatMap { try? JSONValue(parsing: $0) }
    adapters = (merged?.array ?? []).map {
      (
        $0["file"]?.string ?? "", $0["strength"]?.double ?? 1,
        ($0["blocks"]?.object?.members ?? []).map { ($0.key, $0.value.double ?? 1) }
      )
    }
  }

  /// The name of its folder or file, with that of the folder around a component of a pipeline:
  /// `slow/transformer`.
  public var name: String {
    let name = path.lastComponent?.string ?? ""
    guard name == "transformer",
      let folder = path.removingLastComponent().lastComponent?.string
    else { return name }
    return "\(folder)/\(name)"
  }
}
