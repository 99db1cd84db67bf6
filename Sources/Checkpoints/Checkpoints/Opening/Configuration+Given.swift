internal import Files
package import SystemPackage

extension Configuration {
  /// The config.json for a model, in a folder that somebody names: that folder's own, or that of the pipeline's
  /// component which has the model's class.
  ///
  /// - Parameters:
  ///   - classes: what the model may be loaded as.
  ///   - folder: the folder.
  /// - Throws: ``CheckpointError`` when it has none.
  package init(for classes: [String], in folder: FilePath) throws {
    let found: Configuration?
    if PipelineFolder.isPipeline(folder) {
      let pipeline = try PipelineFolder(opening: folder)
      let component = pipeline.components.first { classes.contains($0.className) }
      found = try component.flatMap { try Configuration(in: pipeline.folder(of: $0.name)) }
    } else {
      found = try Configuration(in: folder)
    }
    guard let found else {
      throw CheckpointError.missingComponent(
        folder: folder, component: classes.first ?? "",
        detail: "no config.json of such a model in it, nor in a component of a pipeline there")
    }
    self = found
  }
}
