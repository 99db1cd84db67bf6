internal import Checkpoints
internal import Files
internal import Rewriting
internal import SystemPackage

/// All components of a pipeline, wherever they are: in a folder of diffusers, in ComfyUI's folders, or in one
/// file.
struct PipelineSource {
  /// What was named.
  let path: FilePath
  /// What the pipeline is made of.
  let parts: PipelineParts
  /// Its components, in the same order.
  let components: [OpenedCheckpoint]
  /// The diffusers folder that it is; nil for anything else.
  let pipeline: PipelineFolder?

  /// Opens every component; reads headers and configurations.
  ///
  /// - Parameter path: a pipeline's folder, a folder with ComfyUI's folders, or an all-in-one file.
  /// - Throws: what is wrong with one, and ``RewritingError/noComponent(file:component:found:)`` for one that
  ///   isn't there.
  init(opening path: FilePath) throws {
    let path = PipelineFolder.folder(meantBy: path)
    self.path = path
    if PipelineFolder.isPipeline(path) {
      let pipeline = try PipelineFolder(opening: path)
      parts = try Self.parts(ofFamily: pipeline.family?.name, at: path, found: pipeline.className)
      components = try parts.parts.map { try OpenedCheckpoint(opening: path, component: $0.name) }
      self.pipeline = pipeline
      for (part, component) in zip(parts.parts, components) {
        try Self.check(component, is: part)
      }
      return
    }
    pipeline = nil
    (parts, components) =
      Self.isComfyFolder(path) ? try Self.loose(in: path) : try Self.bundled(in: path)
  }

  /// Whether a folder has ComfyUI's folders of models in it.
  static func isComfyFolder(_ path: FilePath) -> Bool {
    !PipelineFolder.isPipeline(path) && !path.appending("config.json").isRegularFile
      && PipelineParts.comfyFolders.contains { path.appending($0).isFolder }
      && PipelineParts.all.contains { all in
        all.parts[0].folders.contains { path.appending($0).isFolder }
      }
  }

  /// Whether a file holds several components.
  static func isBundle(_ path: FilePath) -> Bool {
    guard path.isRegularFile, let opened = try? OpenedCheckpoint(opening: path) else {
      return false
    }
    return opened.components.count > 1
  }

  private static func parts(
    ofFamily family: String?, at path: FilePath, found: String
  ) throws -> PipelineParts {
    guard let parts = family.flatMap(PipelineParts.of(family:)) else {
      throw RewritingError.unsupported(
        file: path,
        detail: "'\(found)', expected a pipeline of "
          + ModelFamily.all.map(\.title).joined(separator: " or "))
    }
    return parts
  }

  /// The files in ComfyUI's folders, each for what it is.
  private static func loose(
    in path: FilePath
  ) throws -> (PipelineParts, [OpenedCheckpoint]) {
    let files = PipelineParts.comfyFolders.flatMap { folder in
      (visibleEntries(ofFolder: path.appending(folder)) ?? []).map {
        path.appending(folder).appending($0)
      }
    }
    let opened = try files.filter {
      $0.isRegularFile && (OutputName.isFile($0) || $0.extension == "gguf")
    }.map { try OpenedCheckpoint(opening: $0) }
    func only(_ name: String, _ isOne: (OpenedCheckpoint) -> Bool) throws -> OpenedCheckpoint {
      let found = opened.filter(isOne)
      guard let first = found.first else {
        throw RewritingError.noComponent(
          file: path, component: name,
          found: opened.isEmpty ? ["no checkpoint"] : opened.map(\.description.title))
      }
      guard found.count == 1 else {
        if let joined = try OpenedCheckpoint(joining: found) { return joined }
        throw RewritingError.unsupported(
          file: path,
          detail: "\(found.count) files could be '\(name)' ("
            + found.map { $0.path.lastComponent?.string ?? "" }.joined(separator: ", ")
            + "); put the one that is meant into a folder of its own")
      }
      return first
    }
    let transformer = try only("transformer") { $0.description.family != nil }
    let parts = try Self.parts(
      ofFamily: transformer.description.family?.name, at: path, found: transformer.description.title
    )
    return (
      parts,
      try parts.parts.map { part in
        try only(part.name) { $0.description.modelName == part.model }
      }
    )
  }

  /// The components of an all-in-one file.
  private static func bundled(
    in path: FilePath
  ) throws -> (PipelineParts, [OpenedCheckpoint]) {
    let whole = try OpenedCheckpoint(opening: path)
    let transformer = try whole.component("transformer") ?? whole
    let parts = try Self.parts(
      ofFamily: transformer.description.family?.name, at: path,
      found: transformer.description.title)
    let components = try parts.parts.map { part in
      let own = part.name == "transformer" ? transformer : try whole.component(part.name)
      guard let component = own else {
        throw RewritingError.noComponent(
          file: path, component: part.name,
          found: whole.components.isEmpty ? [whole.description.title] : whole.components)
      }
      try check(component, is: part)
      return component
    }
    return (parts, components)
  }

  private static func check(
    _ component: OpenedCheckpoint, is part: PipelineParts.Part
  ) throws {
    guard component.description.modelName == part.model else {
      let title =
        ModelFamily.named(part.model).map { "a transformer of \($0.title)" }
        ?? ComponentModel.named(part.model)?.title ?? part.model
      throw CheckpointError.notRecognised(
        file: component.path, expected: "\(title) as '\(part.name)'",
        found: component.description.title)
    }
  }
}
