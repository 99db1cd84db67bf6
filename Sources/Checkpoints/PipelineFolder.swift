internal import JSON
public import SystemPackage

/// A diffusers pipeline folder: `model_index.json` and a folder for every component.
///
/// Source: huggingface/diffusers, `pipelines/pipeline_utils.py`, `DiffusionPipeline.from_pretrained`.
public struct PipelineFolder: Sendable {
  /// The folder.
  public let path: FilePath
  /// The pipeline's class, such as `FluxPipeline`.
  public let className: String
  /// The components that it names, in the order of the file; those that are null are left out.
  public let components: [Component]

  /// A component as model_index.json names it.
  public struct Component: Sendable {
    /// Name of the component and of its folder: `transformer`.
    public let name: String
    /// The library of its class: `diffusers`.
    public let library: String
    /// Its class: `FluxTransformer2DModel`.
    public let className: String
  }

  /// Reads model_index.json; opens nothing else.
  public init(opening path: FilePath) throws(CheckpointError) {
    let index: Configuration
    do { index = try Configuration(reading: path.appending("model_index.json")) } catch {
      if case .cannotRead(_, .noSuchFileOrDirectory) = error { throw .notAPipeline(folder: path) }
      throw error
    }
    self.path = path
    guard let className = index.json["_class_name"]?.string else {
      throw .badValue(
        file: index.file, key: "_class_name", expected: "a pipeline's class", found: "nothing")
    }
    self.className = className
    var components: [Component] = []
    for member in index.json.object?.members ?? [] {
      guard let pair = member.value.array, pair.count == 2, let library = pair[0].string,
        let className = pair[1].string
      else { continue }
      // A name becomes a folder's, so it may not lead elsewhere.
      guard let folder = FilePath.Component(member.key), folder.kind == .regular else {
        throw .badValue(
          file: index.file, key: member.key, expected: "the name of a folder", found: member.key)
      }
      components.append(Component(name: member.key, library: library, className: className))
    }
    self.components = components
  }

  /// The family of its transformer; nil when that isn't known.
  public var family: ModelFamily? {
    component("transformer").flatMap { ModelFamily.ofTransformer(className: $0.className) }
  }

  /// What model_index.json says of a component, or nil.
  public func component(_ name: String) -> Component? {
    components.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// The folder of a component, for a tokenizer's or scheduler's files.
  public func folder(of name: String) throws(CheckpointError) -> FilePath {
    guard component(name) != nil else {
      throw .missingComponent(
        folder: path, component: name, detail: "model_index.json doesn't name it")
    }
    let folder = path.appending(name)
    guard isFolder(folder) else {
      throw .missingComponent(
        folder: path, component: name,
        detail: "model_index.json names it, but there is no folder '\(name)'")
    }
    return folder
  }

  /// Opens a component that has weights: `transformer`, `vae`, `text_encoder`, …
  public func open(_ name: String) throws(CheckpointError) -> ComponentFolder {
    try ComponentFolder(opening: folder(of: name))
  }

  /// The scheduler's configuration.
  public func schedulerConfiguration() throws(CheckpointError) -> Configuration {
    try Configuration(reading: folder(of: "scheduler").appending("scheduler_config.json"))
  }
}

private func isFolder(_ path: FilePath) -> Bool {
  guard
    let descriptor = try? FileDescriptor.open(
      path, .readOnly, options: [.directory, .closeOnExec])
  else { return false }
  try? descriptor.close()
  return true
}
