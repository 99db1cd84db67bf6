import Adapters
import Checkpoints
import Compute
import Drawing
import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What adapters do to text encoders, drawn with as it is: the same as with text encoders whose files hold
/// W + s · B · A.
@Suite("Parts of adapters for text encoders, drawn with")
struct EncoderPartsTests {
  private static let model = Fixtures.model("tiny-flux")
  private static let modules = [
    "text_encoder": "text_model.encoder.layers.0.self_attn.q_proj",
    "text_encoder_2": "encoder.block.1.layer.0.SelfAttention.v",
  ]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func weights(_ component: String) throws -> TensorSource {
    try PipelineFolder(opening: model).open(component).source
  }

  /// B · A of a module: ramps whose product is no multiple of either.
  private static func module(_ component: String) throws -> AdapterModule {
    let path = try #require(modules[component])
    let shape = try #require(try weights(component).find(path + ".weight")).shape
    return AdapterModule(
      path: path,
      down: TensorView(
        name: "down", shape: [1, shape[1]], (0..<shape[1]).map { Float($0 + 1) / 64 }),
      up: TensorView(
        name: "up", shape: [shape[0], 1], (0..<shape[0]).map { 0.5 - Float($0) / 64 }))
  }

  private func adapter(
    _ components: [String], dialect: String = "diffusers", phase: String? = nil
  ) throws -> FilePath {
    let adapter = Adapter(
      family: ModelFamily.named("flux1"), modules: [],
      textEncoders: Dictionary(
        uniqueKeysWithValues: try components.map {
          ($0, AdapterPart(modules: [try Self.module($0)]))
        }),
      metadata: phase.map { [("glance.phase", $0)] } ?? [])
    let file = folder.path.appending("\(components.joined())-\(dialect)\(phase ?? "").safetensors")
    var options = AdapterWritingOptions()
    options.form = .dialect(dialect)
    try adapter.write(to: file, options)
    return file
  }

  /// The model with W + s · B · A in the files of some text encoders, in float32; what isn't changed is as the
  /// model has it.
  private func changed(_ components: [String], strength: Double) throws -> FilePath {
    let name = "model-\(components.joined())\(strength)"
    let path = try folder.makeFolder(name)
    for entry in TemporaryFolder.names(in: Self.model)
    where !components.contains(entry) {
      _ = try folder.link("\(name)/\(entry)", to: Self.model.appending(entry).string)
    }
    for component in components {
      _ = try folder.makeFolder("\(name)/\(component)")
      _ = try folder.link(
        "\(name)/\(component)/config.json",
        to: Self.model.appending("\(component)/config.json").string)
      let module = try Self.module(component)
      let (down, up) = (module.down.floats(), module.up.floats())
      let views = try Self.weights(component).tensors.map { view in
        guard view.name == module.path + ".weight" else { return view }
        let sums = view.floats().enumerated().map { index, value in
          let (row, column) = index.quotientAndRemainder(dividingBy: down.count)
          return Float(Double(value) + strength * Double(up[row]) * Double(down[column]))
        }
        return TensorView(name: view.name, shape: view.shape, sums)
      }
      try writeSafetensors(
        views, to: path.appending("\(component)/model.safetensors"), overwrite: true)
    }
    return path
  }

  private func plan(
    model: FilePath = model, _ adapters: [DrawingRequest.AdapterRequest] = []
  ) throws -> DrawingPlan {
    var request = DrawingRequest(model: model, prompts: ["a red star"], width: 32, height: 32)
    request.schedule = "slow=1,0.9|fast=0.5"
    request.adapters = adapters
    return try DrawingPlan(request)
  }

  @Test(
    "give the same latent as text encoders that hold them, to the bit",
    arguments: [
      (["text_encoder"], "diffusers"), (["text_encoder_2"], "diffusers"),
      (["text_encoder", "text_encoder_2"], "kohya"),
    ])
  func parts(components: [String], dialect: String) throws {
    let file = try adapter(components, dialect: dialect)
    let plan = try plan([.init(file: file, strength: 0.7)])
    #expect(plan.notes == [])
    let found = try latent(plan)
    #expect(try found == latent(self.plan(model: changed(components, strength: 0.7))))
    #expect(try found != latent(self.plan()))
  }

  @Test("add up")
  func several() throws {
    let (clip, t5) = (try adapter(["text_encoder"]), try adapter(["text_encoder_2"]))
    let found = try latent(plan([.init(file: clip), .init(file: t5)]))
    #expect(
      try found == latent(plan([.init(file: adapter(["text_encoder", "text_encoder_2"]))])))
    // 0.25 + 0.5 is 0.75 without rounding.
    #expect(
      try latent(plan([.init(file: clip, strength: 0.25), .init(file: clip, strength: 0.5)]))
        == latent(plan([.init(file: clip, strength: 0.75)])))
  }

  @Test("are no text encoder's of another plan that shares its texts")
  func sharedTexts() throws {
    let (bare, with) = (try plan(), try plan([.init(file: adapter(["text_encoder_2"]))]))
    var texts = EncodedTexts()
    let latents = try [bare, with, bare].map {
      try $0.session(&texts).picture(0).latent.floats
    }
    #expect(try latents[0] == latent(bare) && latents[2] == latents[0])
    #expect(try latents[1] == latent(with))
  }

  @Test("are not taken for those of the same file with another alpha")
  func sharedTextsOfAlphas() throws {
    let file = folder.path.appending("bare.safetensors")
    let whole = try SafetensorsFile(opening: adapter(["text_encoder_2"]))
    try writeSafetensors(whole.tensors, to: file, overwrite: true)
    let plans = try [1.0, 3.0].map { alpha in
      var request = DrawingRequest(
        model: Self.model, prompts: ["a red star"], width: 32, height: 32)
      request.schedule = "slow=1,0.9|fast=0.5"
      request.adapters = [.init(file: file)]
      request.assumedAlpha = alpha
      return try DrawingPlan(request)
    }
    var texts = EncodedTexts()
    let shared = try plans.map { try $0.session(&texts).picture(0).latent.floats }
    #expect(try shared == plans.map(latent))
    #expect(shared[0] != shared[1])
  }

  @Test("do nothing at strength 0")
  func nothing() throws {
    let idle = try plan([.init(file: adapter(["text_encoder_2"]), strength: 0)])
    #expect(try latent(idle) == latent(plan()))
  }

  @Test("of an adapter for one phase are left out, and said")
  func phase() throws {
    let file = try adapter(["text_encoder_2"], phase: "slow")
    let plan = try plan([.init(file: file)])
    #expect(
      plan.notes.contains(
        "\(file): its 1 modules of text encoders are not used: it serves phase 'slow', and texts are "
          + "encoded once for all steps"))
    #expect(try latent(plan) == latent(self.plan()))
  }

  @Test("are refused before anything is drawn where they have no place")
  func misfit() throws {
    var module = try Self.module("text_encoder")
    module = AdapterModule(
      path: "text_model.encoder.layers.7.mlp.fc1", down: module.down, up: module.up)
    let adapter = Adapter(
      family: ModelFamily.named("flux1"), modules: [],
      textEncoders: ["text_encoder": AdapterPart(modules: [module])])
    let file = folder.path.appending("deep.safetensors")
    try adapter.write(to: file)
    let plan = try plan([.init(file: file)])
    let refusal = #expect(throws: (any Error).self) { try plan.pass() }
    #expect(
      "\(try #require(refusal))".contains("text_model.encoder.layers.7.mlp.fc1"))
  }
}
