internal import Checkpoints
internal import Safetensors
internal import SystemPackage

/// A base as it lies on disk.
struct BaseCheckpoint {
  /// What kind of thing the path names.
  enum Form {
    /// One checkpoint: a file, or a folder of shards.
    case checkpoint
    /// A folder with config.json.
    case component(FilePath)
    /// A folder with model_index.json.
    case pipeline(PipelineFolder)
  }

  let form: Form
  let source: TensorSource
  let description: CheckpointDescription

  init(opening path: FilePath) throws(MergeError) {
    if let pipeline = try? PipelineFolder(opening: path) {
      do {
        let component = try pipeline.open("transformer")
        form = .pipeline(pipeline)
        source = component.weights
        description = component.describe()
      } catch { throw .checkpoint(error) }
      return
    }
    if let component = try? ComponentFolder(opening: path) {
      form = .component(path)
      source = component.weights
      description = component.describe()
      return
    }
    do { source = try TensorSource(opening: path) } catch { throw .safetensors(error) }
    form = .checkpoint
    description = CheckpointDescription(tensors: source.tensors.map(\.description))
  }
}
