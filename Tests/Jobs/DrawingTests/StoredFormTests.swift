import Compute
import Drawing
import Elements
import ModelTestSupport
import Rewriting
import SystemPackage
import TestSupport
import Testing

/// A form in which a transformer is stored, and how it is made of the shipped one.
struct StoredFormCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let file: String
  let change: @Sendable (inout RewritingRequest) -> Void

  init(
    _ name: String, _ file: String = "o.safetensors",
    _ change: @escaping @Sendable (inout RewritingRequest) -> Void
  ) {
    testDescription = name
    self.file = file
    self.change = change
  }

  /// Those of both families.
  static let shared: [StoredFormCase] = [
    StoredFormCase("ComfyUI's names with a prefix") { $0.layout = "comfyui" },
    StoredFormCase("shards") { $0.form.shardByteLimit = 100_000 },
    StoredFormCase("plain fp8") { $0.form.dtype = .f8E4M3 },
    StoredFormCase("plain fp8 with five bits of exponent") { $0.form.dtype = .f8E5M2 },
    StoredFormCase("scaled fp8 of the newest form") { $0.form.scaled = .generation2 },
    StoredFormCase("scaled fp8 of the first form, under ComfyUI's names") {
      $0.form.scaled = .generation1
      $0.layout = "comfyui"
    },
    StoredFormCase("compressed") { $0.form.isCompressed = true },
    StoredFormCase("compressed scaled fp8") {
      $0.form.scaled = .generation2
      $0.form.isCompressed = true
    },
    StoredFormCase("GGUF that keeps the precision", "o.gguf") { $0.form.gguf = "auto" },
    StoredFormCase("GGUF Q8_0", "o.gguf") { $0.form.gguf = "q8_0" },
    StoredFormCase("GGUF Q4_0", "o.gguf") { $0.form.gguf = "q4_0" },
    StoredFormCase("GGUF Q5_1", "o.gguf") { $0.form.gguf = "q5_1" },
    StoredFormCase("GGUF IQ4_NL", "o.gguf") { $0.form.gguf = "iq4_nl" },
    StoredFormCase("GGUF Q4_K, whose blocks don't fit these rows everywhere", "o.gguf") {
      $0.form.gguf = "q4_k_m"
    },
  ]

  /// Those of FLUX.1, whose modules are fused there.
  static let flux: [StoredFormCase] = [
    StoredFormCase("BFL's names") { $0.layout = "bfl" },
    StoredFormCase("BFL's names, scaled fp8 of the first form") {
      $0.layout = "bfl"
      $0.form.scaled = .generation1
    },
    StoredFormCase("BFL's names, compressed") {
      $0.layout = "bfl"
      $0.form.isCompressed = true
    },
  ]
}

/// Writes a form of a shipped transformer, and the same numbers of one dtype under diffusers' names.
func storedForm(
  _ form: StoredFormCase, of model: String, in folder: TemporaryFolder, plain dtype: DType = .f32
) throws -> (form: FilePath, plain: FilePath) {
  func write(
    _ input: FilePath, _ name: String, _ change: (inout RewritingRequest) -> Void
  ) throws -> FilePath {
    var request = RewritingRequest(input: input, output: folder.path.appending(name))
    change(&request)
    if request.form.shardByteLimit != nil { request.output = folder.path.appending("o") }
    _ = try RewritingPlan(request).write { _ in }
    return request.output
  }
  let transformer = Fixtures.model(model).appending("transformer")
  let file = try write(transformer, form.file, form.change)
  let plain = try write(file, "plain.safetensors") {
    $0.layout = "diffusers"
    $0.form.dtype = dtype
  }
  return (file, plain)
}

@Suite("A transformer draws the same, bit for bit, however its numbers are stored")
struct StoredFormTests {
  private func latent(
    _ model: String, _ transformer: FilePath?, cfg: Double,
    _ products: ProductSettings = .withoutTiles
  ) throws -> [UInt32] {
    var request = DrawingRequest(
      model: Fixtures.model(model), prompts: ["a red star"], width: 32, height: 32)
    request.transformers = transformer.map { [.init(file: $0)] } ?? []
    request.schedule = "teacher:3"
    request.cfg = cfg
    return try latent(request, products)
  }

  private func latent(_ request: DrawingRequest, _ products: ProductSettings) throws -> [UInt32] {
    var values: [UInt32] = []
    try ProductSettings.with(products) {
      try DrawingPlan(request).draw { event in
        if case .drawn(let drawn) = event { values = drawn.latent.floats.map(\.bitPattern) }
      }
    }
    return values
  }

  @Test("FLUX.1", arguments: StoredFormCase.shared + StoredFormCase.flux)
  func flux(form: StoredFormCase) throws {
    let folder = try TemporaryFolder()
    let files = try storedForm(form, of: "tiny-flux", in: folder)
    let drawn = try latent("tiny-flux", files.form, cfg: 1)
    let expected = try latent("tiny-flux", files.plain, cfg: 1)
    #expect(drawn.count == 16 * 4 * 4 && drawn == expected)
  }

  @Test("Qwen-Image", arguments: StoredFormCase.shared)
  func qwen(form: StoredFormCase) throws {
    let folder = try TemporaryFolder()
    let files = try storedForm(form, of: "tiny-qwen-image", in: folder)
    let drawn = try latent("tiny-qwen-image", files.form, cfg: 2)
    let expected = try latent("tiny-qwen-image", files.plain, cfg: 2)
    #expect(drawn.count == 16 * 4 * 4 && drawn == expected)
  }

  // The shipped transformer is bf16.
  @Test("on AMX too, where every number is a bfloat16 number")
  func tiles() throws {
    let forms = [
      StoredFormCase("plain fp8") { $0.form.dtype = .f8E4M3 },
      StoredFormCase("compressed, under BFL's names") {
        $0.layout = "bfl"
        $0.form.isCompressed = true
      },
    ]
    for form in forms {
      let folder = try TemporaryFolder()
      let files = try storedForm(form, of: "tiny-flux", in: folder, plain: .bf16)
      let drawn = try latent("tiny-flux", files.form, cfg: 1, .emulatedTiles)
      let expected = try latent("tiny-flux", files.plain, cfg: 1, .emulatedTiles)
      let without = try latent("tiny-flux", files.plain, cfg: 1)
      #expect(drawn == expected && drawn != without)
    }
  }

  @Test("a difference to the model's own transformer, which needs no other base")
  func difference() throws {
    let folder = try TemporaryFolder()
    let model = Fixtures.model("tiny-flux")
    var request = RewritingRequest(
      input: model.appending("transformer"), output: folder.path.appending("half.safetensors"))
    request.form.dtype = .bf16
    request.form.rounding = .stochastic(seed: 1)
    _ = try RewritingPlan(request).write { _ in }
    let half = request.output
    request = RewritingRequest(input: half, output: folder.path.appending("delta.safetensors"))
    request.form.differenceBase = model.appending("transformer")
    _ = try RewritingPlan(request).write { _ in }
    let (drawn, expected) = (
      try latent("tiny-flux", request.output, cfg: 1), try latent("tiny-flux", half, cfg: 1)
    )
    #expect(drawn == expected)
  }

  @Test("a pipeline's folder whose transformer is stored in another form")
  func pipelineFolder() throws {
    let folder = try TemporaryFolder()
    // Its configuration as it is, and the weights to be replaced.
    let model = try folder.changedModel(
      "model", of: "tiny-flux", files: ["transformer/config.json"], ("{", "{"))
    let own = model.appending("transformer/diffusion_pytorch_model.safetensors")
    var request = RewritingRequest(
      input: Fixtures.model("tiny-flux").appending("transformer"), output: own)
    request.layout = "bfl"
    request.form.scaled = .generation2
    request.form.overwrite = true
    _ = try RewritingPlan(request).write { _ in }
    let files = try storedForm(
      StoredFormCase("") {
        $0.layout = "bfl"
        $0.form.scaled = .generation2
      }, of: "tiny-flux", in: folder)
    var drawn = DrawingRequest(model: model, prompts: ["a red star"], width: 32, height: 32)
    drawn.schedule = "teacher:3"
    drawn.cfg = 1
    let values = try latent(drawn, .withoutTiles)
    let expected = try latent("tiny-flux", files.plain, cfg: 1)
    #expect(values == expected)
  }
}
