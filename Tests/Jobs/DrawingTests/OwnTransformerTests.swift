import Compute
import Drawing
import Elements
import Rewriting
import Sampling
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Pipelines whose own transformer is not as diffusers saves it.
@Suite("The transformer in a model's folder")
struct OwnTransformerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func latent(
    _ model: FilePath, _ transformer: FilePath? = nil, base: FilePath? = nil
  ) throws -> [UInt32] {
    var request = DrawingRequest(model: model, prompts: ["a red star"], width: 32, height: 32)
    request.transformers = transformer.map { [.init(file: $0)] } ?? []
    request.transformerBase = base
    request.schedule = "teacher:2"
    var values: [UInt32] = []
    try DrawingPlan(request).draw { event in
      if case .drawn(let drawn) = event { values = drawn.latent.floats.map(\.bitPattern) }
    }
    return values
  }

  /// The shipped model with nothing in its transformer's folder.
  private func emptied(_ name: String) throws -> FilePath {
    let model = try folder.changedModel(
      name, of: "tiny-flux", files: ["transformer/config.json"], ("{", "{"))
    folder.remove("\(name)/transformer/config.json")
    folder.remove("\(name)/transformer/diffusion_pytorch_model.safetensors")
    return model
  }

  private func write(
    _ input: FilePath, to output: FilePath, _ change: (inout RewritingRequest) -> Void
  ) throws {
    var request = RewritingRequest(input: input, output: output)
    change(&request)
    _ = try RewritingPlan(request).write { _ in }
  }

  @Test(
    "may be one file of any form, without config.json", arguments: ["bfl.safetensors", "q8.gguf"])
  func oneFile(name: String) throws {
    let model = try emptied("model")
    let file = model.appending("transformer").appending(name)
    try write(Fixtures.model("tiny-flux").appending("transformer"), to: file) {
      if name.hasSuffix("gguf") { $0.form.gguf = "q8_0" } else { $0.layout = "bfl" }
    }
    let named = try latent(Fixtures.model("tiny-flux"), file)
    #expect(try latent(model) == named && named.count == 256)
  }

  @Test("may be a difference, whose base is named")
  func difference() throws {
    let shipped = Fixtures.model("tiny-flux").appending("transformer")
    let half = folder.path.appending("half.safetensors")
    try write(shipped, to: half) {
      $0.form.rounding = .stochastic(seed: 1); $0.form.dtype = .bf16
    }
    let model = try emptied("model")
    try write(half, to: model.appending("transformer/delta.safetensors")) {
      $0.form.differenceBase = shipped
    }
    let drawn = try latent(model, base: shipped)
    #expect(drawn == (try latent(Fixtures.model("tiny-flux"), half)))
    let error = #expect(throws: (any Error).self) { try latent(model) }
    #expect(
      error.map { "\($0)" }
        == "\(model)/transformer/delta.safetensors: a delta from 'transformer', which is needed to "
        + "restore it; say where it is (--base)")
  }

  @Test("is refused where a weight is no number, also where attention would hide it")
  func notFinite() throws {
    let name = "transformer_blocks.0.attn.to_q.weight"
    let model = try folder.changedTransformer("model", of: "tiny-flux") { tensors in
      tensors.map { tensor in
        guard tensor.name == name else { return tensor }
        var values = tensor.floats()
        values[5] = .nan
        return TensorView(name: name, shape: tensor.shape, values)
      }
    }
    let error = #expect(throws: SamplingError.self) { try latent(model) }
    #expect(error == .notFinite(step: 0, sigma: 1, tensor: name))
  }
}
