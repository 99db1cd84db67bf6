import Checkpoints
import Compute
import DiffusionTransformers
import Elements
import Pipelines
import Synchronization
import Synthesis
import SystemPackage
import TestSupport
import Testing

/// Transformers as deep as the published ones, and narrow.
@Suite("Scaled values of a transformer")
struct DeepTransformerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func normals(_ rows: Int, _ columns: Int, step: UInt32) -> Tensor {
    Tensor(
      shape: [rows, columns],
      RandomStream(seed: 1, purpose: .test, step: step).normals(count: rows * columns))
  }

  private func size(_ tensor: Tensor) -> Double {
    let squares = tensor.floats.reduce(0) { $0 + Double($1) * Double($1) }
    return (squares / Double(tensor.floats.count)).squareRoot()
  }

  @Test(
    "keep its states at their size through all blocks",
    arguments: [
      ("tiny-flux", ["double": 19, "single": 38]), ("tiny-qwen-image", ["blocks": 60]),
    ])
  func states(model: String, blocks: [String: Int]) throws {
    let pipeline = try DiffusionPipeline(opening: Fixtures.model(model))
    let small = try pipeline.openTransformer().architecture
    var dimensions = small.dimensions
    for (kind, count) in blocks { dimensions.blockNumbers[kind] = Array(0..<count) }
    let deep = CheckpointSynthesis(
      of: Architecture(family: small.family, dimensions: dimensions),
      in: try #require(small.family.layouts.first), dtype: .bf16, shardByteLimit: 1 << 30)
    let path = folder.path.appending("transformer")
    try deep.write(to: path, filling: TensorFilling(.scaled, seed: 4), overwrite: false)
    let transformer = try pipeline.openTransformer(from: path).transformer
    let sizes = Mutex<[Double]>([])
    let velocity = transformer.velocity(
      Tape(mode: .inference), latent: normals(16, transformer.tokenChannels, step: 0),
      grid: TokenGrid(rows: 4, columns: 4),
      conditioning: Conditioning(
        text: normals(8, transformer.textChannels, step: 1),
        pooled: transformer.pooledChannels.map { normals(1, $0, step: 2) }),
      sigma: 0.7, guidance: transformer.takesGuidance ? 3.5 : nil,
      options: ForwardOptions { state in
        let size = size(state.image)
        sizes.withLock { $0.append(size) }
      })
    let states = sizes.withLock { $0 }
    #expect(states.count >= blocks.values.reduce(0, +))
    // NaN is in no range.
    #expect(states.allSatisfy { (0.1...10).contains($0) }, "\(states)")
    #expect((0.3...3).contains(size(velocity.tensor)))
  }
}
