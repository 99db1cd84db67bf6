import Adapters
import Checkpoints
import Drawing
import Sampling
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Adapters that are another model's")
struct AdapterMisfitTests {
  /// A module of tiny-flux, which is 96 wide, as a model of 64 channels has it, and one that tiny-flux lacks.
  @Test("are refused with the shapes of both, before anything is drawn")
  func shapes() throws {
    let folder = try TemporaryFolder()
    func module(_ path: String, width: Int) -> AdapterModule {
      AdapterModule(
        path: path,
        down: TensorView(
          name: "down", shape: [1, width], [Float](repeating: 0.5, count: width)),
        up: TensorView(name: "up", shape: [width, 1], [Float](repeating: 0.5, count: width)))
    }
    let adapter = Adapter(
      family: ModelFamily.named("flux1"),
      modules: [
        module("transformer_blocks.0.attn.to_q", width: 64),
        module("transformer_blocks.7.attn.to_q", width: 96),
        module("transformer_blocks.1.attn.to_q", width: 96),
      ])
    let file = folder.path.appending("odd.safetensors")
    try adapter.write(to: file)
    var request = DrawingRequest(
      model: Fixtures.model("tiny-flux"), prompts: ["a red star"], width: 32, height: 32)
    request.adapters = [.init(file: file)]
    expectRefusal(
      SamplingError.self,
      saying:
        "\(file): 2 of 3 modules don't fit the model: transformer_blocks.0.attn.to_q [64, 64], "
        + "expected [96, 96], transformer_blocks.7.attn.to_q; glance-inspect --against shows what differs"
    ) { try DrawingPlan(request) }
  }
}
