import Adapters
import Checkpoints
import Compute
import Drawing
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Adapters that are no low-rank pairs, drawn with as they are: the same as with the base that they are baked into in
/// float32, which AdapterMethodTests compares with what their own libraries make.
@Suite("Adapters of other methods, drawn with")
struct ChangedWeightsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("methods/\(name).safetensors")
  }

  private func request(
    _ adapters: [DrawingRequest.AdapterRequest] = [],
    transformers: [DrawingRequest.TransformerRequest] = []
  ) -> DrawingRequest {
    var request = smallRequest("tiny-flux")
    request.schedule = "slow=1,0.9|fast=0.5"
    request.adapters = adapters
    request.transformers = transformers
    return request
  }

  private func latent(_ request: DrawingRequest) throws -> [Float] {
    try DrawingTests.latent(DrawingPlan(request))
  }

  private static let transformer = Fixtures.model("tiny-flux").appending("transformer")

  /// The model's transformer with an adapter baked in, in float32; what isn't changed is as the model has it,
  /// since products with bfloat16 weights may be computed otherwise.
  private func baked(_ name: String, strength: Double = 1) throws -> FilePath {
    try baked(Self.fixture(name), strength: strength)
  }

  private func baked(_ file: FilePath, strength: Double = 1) throws -> FilePath {
    let output = folder.path.appending("\(file.stem ?? "")-\(strength).safetensors")
    let base = try TensorSource(openingAny: Self.transformer)
    let merged = try TensorSource(opening: bake(file, strength: strength))
    let views = try base.tensors.map { own in
      let found = try #require(merged.find(own.name))
      return found.floats() == own.floats() ? own : found
    }
    #expect(views.contains { $0.dtype == .f32 })
    try writeSafetensors(views, to: output, overwrite: true)
    return output
  }

  private func bake(_ file: FilePath, strength: Double) throws -> FilePath {
    let adapters = try MergedAdapter.adapters(
      in: file, phase: nil, strength: strength, isPartial: false,
      otherMethods: .asTheyAre
    ).adapters
    var request = BakeRequest(
      base: Self.transformer, output: folder.path.appending("whole.safetensors"),
      adapters: adapters)
    request.form.dtype = .f32
    request.form.overwrite = true
    return try Bake(request).write { _ in }.output
  }

  @Test(
    "give the same latent as the base that they are baked into, to the bit",
    arguments: ["peft-dora", "lora-columns", "lokr-rows"])
  func changesAlone(name: String) throws {
    let file = Self.fixture(name)
    let found = try latent(request([.init(file: file, strength: 0.7)]))
    #expect(try found == latent(request(transformers: [.init(file: baked(name, strength: 0.7))])))
    #expect(try relativeError(found, latent(request())) > 1e-4)
  }

  /// A weight and a norm that are replaced, as ComfyUI's files say it.
  @Test func replacedWeightsGiveTheSameLatentAsTheBaseThatTheyAreBakedInto() throws {
    let file = folder.path.appending("set.safetensors")
    let stem = "diffusion_model.single_blocks.1"
    try writeSafetensors(
      [
        TensorView(
          name: "\(stem).modulation.lin.set_weight", shape: [288, 96],
          (0..<288 * 96).map { Float($0 % 61) / 512 - 0.06 }),
        TensorView(
          name: "\(stem).norm.query_norm.scale.set_weight", shape: [32],
          (0..<32).map { 1 + Float($0) / 32 }),
      ], to: file, overwrite: true)
    let found = try latent(request([.init(file: file, strength: 0.7)]))
    #expect(try found == latent(request(transformers: [.init(file: baked(file, strength: 0.7))])))
    #expect(try relativeError(found, latent(request())) > 1e-4)
  }

  @Test(
    "give it as closely as low-rank pairs do where they have such",
    arguments: ["lokr-fused", "loha-halves", "peft-lokr", "peft-bias"])
  func beside(name: String) throws {
    let found = try latent(request([.init(file: Self.fixture(name), strength: 0.7)]))
    let expected = try latent(request(transformers: [.init(file: baked(name, strength: 0.7))]))
    #expect(relativeError(found, expected) < BakedModel.rounding)
    #expect(try relativeError(found, latent(request())) > 1e-4)
  }

  @Test("act in their phase alone")
  func phases() throws {
    let (slow, fast) = ("peft-dora", "lora-columns")
    let found = try latent(
      request([
        .init(file: Self.fixture(slow), phase: "slow"),
        .init(file: Self.fixture(fast), phase: "fast"),
      ]))
    let expected = try latent(
      request(transformers: [
        .init(file: baked(slow), phase: "slow"), .init(file: baked(fast), phase: "fast"),
      ]))
    #expect(found == expected)
    let one = try latent(request([.init(file: Self.fixture(slow), phase: "slow")]))
    let half = try latent(
      request(transformers: [
        .init(file: baked(slow), phase: "slow"), .init(file: Self.transformer, phase: "fast"),
      ]))
    #expect(one == half && one != found)
  }

  @Test("have strengths by block, and do nothing where these are 0")
  func blocks() throws {
    var weak = DrawingRequest.AdapterRequest(file: Self.fixture("peft-dora"))
    weak.blocks = try BlockStrengths([("transformer_blocks.1", 0.5)])
    let half = try latent(request([.init(file: weak.file, strength: 0.5)]))
    #expect(try latent(request([weak])) == half)
    weak.blocks = try BlockStrengths([("transformer_blocks.1", 0)])
    let error = #expect(throws: BlockStrengthError.self) { try DrawingPlan(request([weak])) }
    #expect(
      error?.description == "--adapter \(weak.file): every module that is changed has strength 0")
  }

  @Test("are refused where a module has no place")
  func misfit() throws {
    var refused = smallRequest("tiny-qwen-image")
    refused.adapters = [.init(file: Self.fixture("lora-columns"))]
    expectRefusal(DrawingError.self, saying: "FLUX.1") { try DrawingPlan(refused) }
  }
}
