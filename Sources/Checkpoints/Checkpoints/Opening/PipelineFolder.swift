internal import Files
internal import JSON
public import SystemPackage
internal import Text

/// A diffusers pipeline folder: `model_index.json` and a folder for every component, or
/// `modular_model_index.json`, as diffusers' modular pipelines save it.
///
/// Source: huggingface/diffusers, `pipelines/pipeline_utils.py`, `DiffusionPipeline.from_pretrained`;
/// `modular_pipelines/modular_pipeline.py`, `ModularPipeline.save_pretrained`.
public struct PipelineFolder: Sendable {
  /// The folder.
  public let path: FilePath
  /// The pipeline's class, such as `FluxPipeline`.
  public let className: String
  /// The components that it names, in the order of the file; those that are null are left out.
  public let components: [Component]
  /// The name of the file that says so.
  public let indexName: String
  /// What the file says under ``imageSizeKey``.
  package let imageSize: String?

  /// The names that the file may have, the one that goes first in front.
  private static let indexNames = ["model_index.json", "modular_model_index.json"]

  /// The key of the size of pictures that the model is made for, `WIDTHxHEIGHT`. It is this toolkit's own:
  /// diffusers passes over keys that begin with an underscore.
  package static let imageSizeKey = "_image_size"

  /// Whether a folder is a pipeline's.
  public static func isPipeline(_ path: FilePath) -> Bool {
    indexNames.contains { path.appending($0).isRegularFile }
  }

  /// The folder that a path means: that of an index which it names itself, else the path.
  public static func folder(meantBy path: FilePath) -> FilePath {
    guard let name = path.lastComponent?.string, indexNames.contains(name), path.isRegularFile
    else {
      return path
    }
    let folder = path.removingLastComponent()
    return folder.isEmpty ? "." : folder
  }

  /// A component as model_index.json names it.
  public struct Component: Sendable {
    /// Name of the component and of its folder: `transformer`.
    public let name: String
    /// The library of its class: `diffusers`.
    public let library: String
    /// Its class: `FluxTransformer2DModel`.
    public let className: String
  }

  /// Reads the index; opens nothing else.
  ///
  /// - Parameter path: the folder, or its index.
  /// - Throws: ``CheckpointError/notAPipeline(folder:isFile:)`` where there is none, and
  ///   ``CheckpointError/inside(folder:kind:names:)`` where it is one folder deeper.
  public init(opening path: FilePath) throws {
    let path = Self.folder(meantBy: path)
    guard let name = Self.indexNames.first(where: { path.appending($0).isRegularFile }) else {
      let inside = FoldersInside.pipelines(path)
      guard inside.isEmpty else {
        throw CheckpointError.inside(folder: path, kind: "pipeline", names: inside)
      }
      throw CheckpointError.notAPipeline(folder: path, isFile: path.isRegularFile)
    }
    let index = try Configuration(reading: path.appending(name))
    self.path = path
    indexName = name
    guard let className = index.json["_class_name"]?.string else {
      throw CheckpointError.badValue(
        file: index.file, key: "_class_name", expected: "a pipeline's class", found: "nothing")
    }
    self.className = className
    imageSize = index.json[Self.imageSizeKey]?.string
    var components: [Component] = []
    for member in index.json.object?.members ?? [] {
      guard let (library, className) = Self.library(member.value) else { continue }
      // A name becomes a folder's, so it may not lead elsewhere.
      guard let folder = FilePath.Component(member.key), folder.kind == .regular else {
        throw CheckpointError.badValue(
          file: index.file, key: member.key, expected: "the name of a folder", found: member.key)
      }
      components.append(Component(name: member.key, library: library, className: className))
    }
    self.components = components
  }

  /// The library and class of a component: a pair, or in a modular index what was loaded, what is to
  /// be, and a description that has both again.
  private static func library(_ value: JSONValue) -> (library: String, className: String)? {
    guard let entry = value.array, entry.count == 2 || entry.count == 3 else { return nil }
    let hint = entry.count == 3 ? entry[2]["type_hint"]?.array ?? [] : []
    guard let library = entry[0].string ?? hint.first?.string,
      let className = entry[1].string ?? hint.last?.string
    else { return nil }
    return (library, className)
  }

  /// The family of its transformer; nil when that isn't known.
  public var family: ModelFamily? {
    component("transformer").flatMap { ModelFamily.ofTransformer(className: $0.className) }
  }

  /// What the index says of a component, or nil.
  public func component(_ name: String) -> Component? {
    components.first { $0.name.sameBytes(as: name) }
  }

  /// The folder of a component, for a tokenizer's or scheduler's files.
  public func folder(of name: String) throws -> FilePath {
    guard component(name) != nil else {
      throw CheckpointError.missingComponent(
        folder: path, component: name, detail: "\(indexName) doesn't name it")
    }
    let folder = path.appending(name)
    guard folder.isFolder else {
      throw CheckpointError.missingComponent(
        folder: path, component: name,
        detail: "\(indexName) names it, but there is no folder '\(name)'")
    }
    return folder
  }

  /// Opens a component that has weights: `transformer`, `vae`, `text_encoder`, …
  ///
  /// - Parameters:
  ///   - name: which.
  ///   - base: where the base of a difference is, instead of where its file says.
  /// - Returns: the component.
  /// - Throws: what is wrong with its folder.
  public func open(_ name: String, base: FilePath? = nil) throws -> OpenedCheckpoint {
    try OpenedCheckpoint(component: folder(of: name), base: base)
  }

  /// The scheduler's configuration.
  public func schedulerConfiguration() throws -> Configuration {
    try Configuration(reading: folder(of: "scheduler").appending("scheduler_config.json"))
  }
}
