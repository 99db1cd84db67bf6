import Adapters
import Checkpoints
import Elements
import Files
import JSON
import Merging
import Rewriting
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("LoRAs of text encoders, baked into a pipeline")
struct EncoderBakeTests {
  private let folder: TemporaryFolder
  private static let model = Fixtures.model("tiny-flux")
  private static let clip = "text_model.encoder.layers.0.self_attn.q_proj"
  private static let t5 = "encoder.block.1.layer.0.SelfAttention.v"

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  private func weight(_ component: String, _ module: String, of model: FilePath) throws
    -> TensorView
  {
    let opened = try PipelineFolder(opening: model).open(component)
    return try #require(opened.source.find(module + ".weight"))
  }

  /// B · A of a module: ramps whose product is no multiple of either.
  private func factors(
    _ component: String, _ module: String
  ) throws -> (down: [Float], up: [Float]) {
    let shape = try weight(component, module, of: Self.model).shape
    return (
      (0..<shape[1]).map { Float($0 + 1) / Float(shape[1]) },
      (0..<shape[0]).map { 0.5 - Float($0) / Float(shape[0]) }
    )
  }

  private func module(_ component: String, _ module: String) throws -> AdapterModule {
    let (down, up) = try factors(component, module)
    return AdapterModule(
      path: module, down: TensorView(name: "down", shape: [1, down.count], down),
      up: TensorView(name: "up", shape: [up.count, 1], up), scale: 0.75)
  }

  private func adapter(_ name: String, dialect: String = "diffusers") throws -> FilePath {
    let transformer = AdapterModule(
      path: "single_transformer_blocks.0.attn.to_q",
      down: TensorView(name: "down", shape: [1, 96], Array(repeating: 0.5, count: 96)),
      up: TensorView(name: "up", shape: [96, 1], Array(repeating: 0.5, count: 96)))
    let adapter = Adapter(
      family: ModelFamily.named("flux1"), modules: [transformer],
      textEncoders: [
        "text_encoder": AdapterPart(modules: [try module("text_encoder", Self.clip)]),
        "text_encoder_2": AdapterPart(modules: [try module("text_encoder_2", Self.t5)]),
      ])
    var options = AdapterWritingOptions()
    options.form = .dialect(dialect)
    try adapter.write(to: path(name), options)
    return path(name)
  }

  private func merged(
    _ file: FilePath, phase: String? = nil, strength: Double = 1
  ) throws -> [MergedAdapter] {
    try MergedAdapter.adapters(
      in: file, phase: phase, strength: strength, includesTextEncoders: true, isPartial: false
    ).adapters
  }

  /// The weight with what was added to it, rounded once.
  private func expected(
    _ component: String, _ module: String, strength: Double
  ) throws -> TensorView {
    let base = try weight(component, module, of: Self.model)
    let (down, up) = try factors(component, module)
    let sums = base.floats().enumerated().map { index, value in
      let (row, column) = index.quotientAndRemainder(dividingBy: down.count)
      // The scale is in B already, rounded to float32.
      let change = strength * Double(up[row] * 0.75) * Double(down[column])
      return Float(Double(value) + change)
    }
    return TensorView(name: base.name, shape: base.shape, sums).cast(to: base.dtype)
  }

  private func expectBaked(_ model: FilePath, strength: Double) throws {
    for (component, module) in [("text_encoder", Self.clip), ("text_encoder_2", Self.t5)] {
      let found = try weight(component, module, of: model)
      let wanted = try expected(component, module, strength: strength)
      #expect(found.dtype == wanted.dtype)
      #expect(found.floats() == wanted.floats(), "\(component)")
      // Everything else is as it was.
      let (own, other) = (
        try PipelineFolder(opening: model).open(component).source,
        try PipelineFolder(opening: Self.model).open(component).source
      )
      #expect(own.tensors.count == other.tensors.count)
      for view in other.tensors where view.name != wanted.name {
        #expect(try #require(own.find(view.name)).floats() == view.floats(), "\(view.name)")
      }
    }
  }

  @Test("are W + s · B · A in their own types", arguments: ["diffusers", "kohya"], [1, -0.5])
  func baked(dialect: String, strength: Double) throws {
    let file = try adapter("a.safetensors", dialect: dialect)
    let request = BakeRequest(
      base: Self.model, output: path("baked"), adapters: try merged(file, strength: strength))
    let result = try Bake(request).write { _ in }
    try expectBaked(path("baked"), strength: strength)
    let names = result.modules.map(\.module)
    #expect(names.contains("text_encoder.\(Self.clip)"))
    #expect(names.contains("text_encoder_2.\(Self.t5)"))
    #expect(names.count == 3)
    let texts = try [path("baked"), Self.model].map {
      try JSONValue(parsing: Fixtures.text($0.pushing("text_encoder_2/config.json")))
    }
    #expect(texts[0] == texts[1])
  }

  @Test("are each phase's own where both are baked")
  func phases() throws {
    let slow = try merged(adapter("a.safetensors"), phase: "slow")
    var none = try merged(adapter("b.safetensors"), phase: "fast")
    none = none.map {
      var adapter = $0.adapter
      adapter.textEncoders = [:]
      return MergedAdapter(file: $0.file, adapter: adapter, phase: "fast", strength: 1)
    }
    var request = BakeRequest(base: Self.model, output: path("both"), adapters: [])
    request.linksComponents = true
    _ = try BothPhases(request, phases: [("slow", slow), ("fast", none)], isWhole: false)
      .write { _ in { _ in } }
    try expectBaked(path("both").appending("slow"), strength: 1)
    for (component, module) in [("text_encoder", Self.clip), ("text_encoder_2", Self.t5)] {
      let found = try weight(component, module, of: path("both").appending("fast"))
      #expect(try found.floats() == weight(component, module, of: Self.model).floats())
    }
  }

  @Test("of several phases are no one file")
  func nameOfAFile() throws {
    let slow = try merged(adapter("a.safetensors"), phase: "slow")
    let request = BakeRequest(base: Self.model, output: path("both.safetensors"), adapters: [])
    expectRefusal(
      MergeError.self,
      saying: "both.safetensors: the name of a file, and several phases are written into a folder"
    ) { try BothPhases(request, phases: [("slow", slow)], isWhole: false) }
  }

  @Test("are refused where they have no place, and where they could not be taken back")
  func refusals() throws {
    let file = try adapter("a.safetensors")
    var adapters = try merged(file)
    var request = BakeRequest(base: Self.model, output: path("never"), adapters: adapters)
    request.isReversible = true
    expectRefusal(
      MergeError.self,
      saying: "--reversible takes back what changes the transformer, and an adapter changes "
        + "text_encoder and text_encoder_2; keep the base"
    ) { try Bake(request) }
    adapters = adapters.map {
      var adapter = $0.adapter
      adapter.textEncoders["text_encoder"] = AdapterPart(modules: adapter.modules)
      return MergedAdapter(file: file, adapter: adapter, phase: nil, strength: 1)
    }
    request = BakeRequest(base: Self.model, output: path("never"), adapters: adapters)
    expectRefusal(
      MergeError.self, saying: "single_transformer_blocks.0.attn.to_q"
    ) { try Bake(request) }
    #expect(!path("never").isFolder)
    request.isPartial = true
    let bake = try Bake(request)
    #expect(bake.leftOut == ["text_encoder.single_transformer_blocks.0.attn.to_q"])
    #expect(bake.modules == [adapters[0].adapter.modules[0].path, "text_encoder_2.\(Self.t5)"])
  }

  @Test("are not said to be left out where they aren't")
  func notes() throws {
    let file = try adapter("a.safetensors")
    let notes = try [true, false].map { isTaken in
      try MergedAdapter.adapters(
        in: file, phase: nil, strength: 1, includesTextEncoders: isTaken, isPartial: false
      ).notes.count { $0.text.contains("text encoders") }
    }
    #expect(notes == [0, 1])
  }

  @Test("are merged only where a whole pipeline is written")
  func places() {
    #expect(BakeRequest.takesTextEncoders(base: Self.model, output: "out"))
    #expect(!BakeRequest.takesTextEncoders(base: Self.model, output: "out.safetensors"))
    #expect(!BakeRequest.takesTextEncoders(base: Self.model, output: "out.gguf"))
    #expect(
      !BakeRequest.takesTextEncoders(base: Self.model.appending("transformer"), output: "out"))
  }
}
