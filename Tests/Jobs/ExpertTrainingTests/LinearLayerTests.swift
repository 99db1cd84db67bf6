import Checkpoints
import Compute
import DiffusionTransformers
import Pipelines
import SystemPackage
import TestSupport
import Testing

/// Adapters are attached to layers by the names of `formats/*.json`.
@Suite("The layers of a transformer")
struct LinearLayerTests {
  @Test(
    "are the linear modules of formats/, in every name and shape",
    arguments: ["tiny-flux", "tiny-qwen-image"])
  func names(model: String) throws {
    let pipeline = try DiffusionPipeline(opening: Fixtures.model(model))
    let layers = try pipeline.openTransformer().transformer.linearLayers
    let modules = try OpenedCheckpoint(component: pipeline.folder.path.appending("transformer"))
      .architecture().linearModules
    #expect(layers.count > 20)
    #expect(layers.map(\.name).sorted() == modules.map(\.path).sorted())
    #expect(Set(layers.map(\.name)).count == layers.count)
    for layer in layers {
      let module = try #require(modules.first { $0.path == layer.name })
      #expect(module.outFeatures == layer.weight.rows, "\(layer.name)")
      #expect(module.inFeatures == layer.weight.columns, "\(layer.name)")
    }
  }
}
