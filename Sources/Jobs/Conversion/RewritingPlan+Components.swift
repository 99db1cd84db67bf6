internal import Checkpoints
public import Rewriting

extension RewritingPlan {
  /// The components of a pipeline's folder that stay behind when its transformer is converted without having been
  /// asked for by name.
  public var otherComponents: [String] {
    let folder = PipelineFolder.folder(meantBy: request.input)
    guard request.component == nil, PipelineFolder.isPipeline(folder),
      let pipeline = try? PipelineFolder(opening: folder)
    else { return [] }
    return pipeline.components.map(\.name).filter { $0 != "transformer" }
  }
}
