internal import Compression
internal import Files
internal import Safetensors
public import SystemPackage
public import Tensors
internal import Text

/// A checkpoint as a path names it: a file, shards, a component's folder, or the transformer of a
/// pipeline's folder. What its tensors are, and every parameter under its canonical name, whatever the
/// layout and the container.
public struct OpenedCheckpoint: Sendable {
  /// What kind of thing the path names.
  public enum Form: Sendable {
    /// One checkpoint: a file, an index, or a folder of shards.
    case checkpoint
    /// A folder with config.json.
    case component
    /// A folder with model_index.json; the tensors are those of one of its components.
    case pipeline(PipelineFolder)
  }

  /// What was named.
  public let path: FilePath
  /// What kind of thing that is.
  public let form: Form
  /// The tensors.
  public let source: TensorSource
  /// config.json, where there is one.
  public let configuration: Configuration?
  /// What the tensors are.
  public let description: CheckpointDescription

  /// Opens a path and finds out what it is; reads headers and configurations.
  ///
  /// - Parameters:
  ///   - path: what to open.
  ///   - component: which component of a pipeline's folder.
  ///   - base: where the base of a difference is, instead of where the file says.
  /// - Throws: ``CheckpointError`` when it can't be read.
  public init(
    opening path: FilePath, component: String = "transformer", base: FilePath? = nil
  ) throws {
    let path = PipelineFolder.folder(meantBy: path)
    self.path = path
    var folder = path
    if PipelineFolder.isPipeline(path) {
      let pipeline = try PipelineFolder(opening: path)
      form = .pipeline(pipeline)
      folder = try pipeline.folder(of: component)
    } else if path.appending("config.json").isRegularFile {
      form = .component
    } else {
      form = .checkpoint
    }
    source = try TensorSource(openingAny: folder, base: base)
    guard case .checkpoint = form else {
      configuration = try Configuration(in: folder)
      description = CheckpointDescription(of: source, configuration: configuration)
      return
    }
    let beside = try Configuration(beside: source, openedAt: path)
    let found = CheckpointDescription(of: source, configuration: beside)
    // A file that was named itself may lie beside the config.json of another model.
    let isOthers = found.problems.contains {
      if case .configuration("_class_name", _, _) = $0 { true } else { false }
    }
    configuration = isOthers ? nil : beside
    description = isOthers ? CheckpointDescription(of: source, configuration: nil) : found
  }
}

extension OpenedCheckpoint {
  /// Opens a path that may be a difference to another checkpoint at hand.
  ///
  /// - Parameters:
  ///   - path: what to open.
  ///   - base: where its base is; nil: where the file says, else `other`, if that is the one.
  ///   - other: the checkpoint at hand, if any.
  /// - Throws: what ``init(opening:component:base:)`` throws.
  public init(opening path: FilePath, base: FilePath?, orElse other: FilePath?) throws {
    do { try self.init(opening: path, base: base) } catch let error as CompressionError {
      guard case .baseNeeded = error, base == nil, let other,
        let opened = try? OpenedCheckpoint(opening: path, base: other)
      else { throw error }
      self = opened
    }
  }

  /// Opens a component's folder: the weights, and config.json where there is one.
  ///
  /// - Parameters:
  ///   - folder: the folder.
  ///   - base: where the base of a difference is, instead of where the file says.
  /// - Throws: ``CheckpointError/missingComponent(folder:component:detail:)`` for a folder without
  ///   weights, and what reading them throws.
  public init(component folder: FilePath, base: FilePath? = nil) throws {
    let configuration = try Configuration(in: folder)
    let source: TensorSource
    do { source = try TensorSource(openingAny: folder, base: base) } catch SafetensorsError
      .noCheckpoint
    {
      throw CheckpointError.missingComponent(
        folder: folder.removingLastComponent(), component: folder.lastComponent?.string ?? "",
        detail: "its folder has no safetensors file")
    }
    try source.checkNothingAttached()
    self.init(path: folder, form: .component, source: source, configuration: configuration)
  }

  /// The architecture of a transformer; an error when the tensors are no known transformer's or
  /// don't fit it in every name and shape.
  public func architecture() throws -> Architecture {
    try description.requireArchitecture(file: path, for: .computing)
  }

  /// Every parameter under its canonical name.
  ///
  /// - Throws: ``CheckpointError/storedOtherwise(file:detail:)`` for layers whose numbers are not read,
  ///   or whose scale doesn't go with them.
  public func parameters() throws -> StoredParameters {
    try description.weights.requireNumbers(in: path, under: description.prefix)
    return try StoredParameters(self)
  }
}

extension TensorSource {
  /// Refuses weights that were saved while an adapter was attached.
  package func checkNothingAttached() throws {
    if let attached = AttachedAdapter(names: tensors.lazy.map(\.name)) {
      throw CheckpointError.adapterAttached(file: path, attached)
    }
  }
}

/// Components of an all-in-one file.
extension OpenedCheckpoint {
  /// The components that the file holds, each once, in the order of the file; one for a file that
  /// holds nothing else.
  public var components: [String] {
    var names: [String] = []
    for tensor in source.tensors {
      let found = Recognition.shared.bundled.first { tensor.name.utf8HasPrefix($0.prefix) }
      if let found, !names.contains(found.component) { names.append(found.component) }
    }
    return names
  }

  /// The tensors of one component, without what stands before their names in an all-in-one file;
  /// nil when there are none of that name.
  public func component(_ name: String) throws -> OpenedCheckpoint? {
    func inner(_ full: String) -> String? {
      let found = Recognition.shared.bundled.first { full.utf8HasPrefix($0.prefix) }
      guard let found, found.component == name else { return nil }
      return String(decoding: full.utf8.dropFirst(found.prefix.utf8.count), as: UTF8.self)
    }
    let tensors = source.tensors.compactMap { tensor in inner(tensor.name).map(tensor.named) }
    guard !tensors.isEmpty else { return nil }
    let picked = try TensorSource(
      path: source.path, container: source.container, files: source.files, tensors: tensors,
      metadata: StorageNotes.renaming(source.metadata, inner), index: source.index,
      problems: source.problems)
    return OpenedCheckpoint(path: path, form: form, source: picked, configuration: configuration)
  }

  /// Tensors that are open already, with their configuration and what they are, where that is known.
  package init(
    path: FilePath, form: Form = .checkpoint, source: TensorSource,
    configuration: Configuration? = nil, description: CheckpointDescription? = nil
  ) {
    self.path = path
    self.form = form
    self.source = source
    self.configuration = configuration
    self.description =
      description ?? CheckpointDescription(of: source, configuration: configuration)
  }
}

extension OpenedCheckpoint {
  /// A checkpoint whose tensors are open already.
  package init(_ source: TensorSource) { self.init(path: source.path, source: source) }
}
