import Adapters
import Checkpoints
import Compute
import Drawing
import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport

/// A request for one picture of a shipped model, in two steps.
func smallRequest(_ model: String = "tiny-flux", prompts: [String] = ["a"]) -> DrawingRequest {
  var request = DrawingRequest(
    model: Fixtures.model(model), prompts: prompts, width: 32, height: 32)
  request.schedule = "slow=1|fast=0.5"
  return request
}

/// The latent of a plan's last picture.
func latent(_ plan: DrawingPlan) throws -> [Float] {
  var values: [Float] = []
  try plan.draw { event in
    if case .drawn(let drawn) = event { values = drawn.latent.floats }
  }
  return values
}

extension TemporaryFolder {
  /// A safetensors file of random tensors.
  func tensors(
    _ name: String, _ shapes: KeyValuePairs<String, [Int]>,
    metadata: Metadata = []
  ) throws -> FilePath {
    let file = path.appending(name)
    let writer = try SafetensorsWriter(
      creating: file,
      tensors: shapes.map { TensorDescription(name: $0.key, dtype: .f32, shape: $0.value) },
      metadata: metadata, overwrite: true)
    for (index, (name, shape)) in shapes.enumerated() {
      let count = shape.reduce(1, *)
      let stream = RandomStream(
        seed: UInt64(name.utf8.count), purpose: .test, step: UInt32(index))
      try writer.write(unsafe stream.normals(count: count).span.bytes, tensor: index)
    }
    try writer.commit()
    return file
  }

  /// An adapter of one module that does something.
  func adapter(
    _ name: String, family: String = "flux1", phase: String? = nil
  ) throws -> FilePath {
    let isFlux = family == "flux1"
    let path = isFlux ? "single_transformer_blocks.0.attn.to_q" : "transformer_blocks.0.attn.to_q"
    let width = 96
    let down = TensorView(
      name: "down", shape: [1, width], Array(repeating: 0.02, count: width))
    let up = TensorView(name: "up", shape: [width, 1], Array(repeating: 0.5, count: width))
    let adapter = Adapter(
      family: ModelFamily.named(family),
      modules: [AdapterModule(path: path, down: down, up: up)],
      metadata: phase.map { [("glance.phase", $0)] } ?? [])
    let file = self.path.appending(name)
    try adapter.write(to: file)
    return file
  }
}
