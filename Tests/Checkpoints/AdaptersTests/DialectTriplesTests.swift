import Adapters
import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("From one dialect through two others and back")
struct DialectTriplesTests {
  static let flux = ["diffusers", "kohya", "comfyui", "onetrainer"]
  static let qwen = ["diffusers", "kohya", "comfyui", "lightning"]

  /// Walks all ordered triples of dialects: writes, reads what was written, and so on until the
  /// first dialect comes again.
  private func check(_ adapter: Adapter, _ dialects: [String], scaled: Bool) throws {
    let folder = try TemporaryFolder()
    func write(_ adapter: Adapter, _ dialect: String) throws -> FilePath {
      let path = folder.path.appending(dialect + ".safetensors")
      var options = AdapterWritingOptions()
      options.dtype = nil
      options.overwrite = true
      options.form = .dialect(dialect)
      if scaled { options.alpha = dialect == "diffusers" ? .metadata : .tensor }
      try adapter.write(to: path, options)
      return path
    }
    var reading = AdapterReadingOptions()
    reading.includesTextEncoders = true
    for first in dialects {
      let original = try write(adapter, first)
      let bytes = try fileBytes(original)
      let start = try Adapter(opening: original, reading)
      for second in dialects where second != first {
        let between = try Adapter(opening: write(start, second), reading)
        for third in dialects where third != first && third != second {
          let last = try write(Adapter(opening: write(between, third), reading), first)
          #expect(try fileBytes(last) == bytes, "\(first), \(second), \(third)")
        }
      }
    }
  }

  private func module(
    _ path: String, rank: Int, _ rows: Int = 8, columns: Int = 8, scale: Double = 1,
    sharing: String? = nil
  ) -> AdapterModule {
    AdapterModule(
      path: path, down: InMemory.tensor(sharing ?? path + "a", [rank, columns]),
      up: InMemory.tensor(path + "b", [rows, rank]), scale: scale)
  }

  /// Fused modules with equal and unequal ranks, with parts missing and with a common A; a swapped
  /// module, one outside blocks, and both text encoders.
  private func fluxAdapter(scale: Double) -> Adapter {
    let (double, single) = ("transformer_blocks.", "single_transformer_blocks.")
    let modules = [
      module(double + "0.attn.to_q", rank: 2), module(double + "0.attn.to_k", rank: 2),
      module(double + "0.attn.to_v", rank: 2),
      module(double + "0.attn.add_q_proj", rank: 1), module(double + "0.attn.add_k_proj", rank: 3),
      module(double + "0.attn.add_v_proj", rank: 2),
      module(double + "1.attn.to_q", rank: 2, sharing: "one"),
      module(double + "1.attn.to_k", rank: 2, sharing: "one"),
      module(double + "1.attn.to_v", rank: 2, sharing: "one"),
      module(double + "1.attn.add_q_proj", rank: 2, sharing: "two"),
      module(double + "1.attn.add_v_proj", rank: 2, sharing: "two"),
      module(double + "2.attn.to_k", rank: 1),
      module(double + "2.ff.net.0.proj", rank: 4, 32),
      module(double + "2.norm1.linear", rank: 2, 48),
      module(single + "0.attn.to_q", rank: 1), module(single + "0.attn.to_v", rank: 3),
      module(single + "0.proj_mlp", rank: 2, 32),
      module(single + "0.proj_out", rank: 2, columns: 40),
      module(single + "1.proj_mlp", rank: 2, 32),
      module("norm_out.linear", rank: 2, 16), module("context_embedder", rank: 2, columns: 12),
    ]
    let encoders = [
      "text_encoder": [
        module("text_model.encoder.layers.3.self_attn.out_proj", rank: 2),
        module("text_model.encoder.layers.11.mlp.fc1", rank: 3, 32),
      ],
      "text_encoder_2": [
        module("encoder.block.23.layer.0.SelfAttention.q", rank: 2),
        module("encoder.block.0.layer.1.DenseReluDense.wi_1", rank: 1, 24),
      ],
    ]
    return Adapter(
      family: ModelFamily.named("flux1"), modules: modules.map { scaled($0, scale) },
      textEncoders: encoders.mapValues { AdapterPart(modules: $0.map { scaled($0, scale) }) },
      metadata: [("format", "pt"), ("modelspec.title", "ü"), ("note", "kept")])
  }

  private func qwenAdapter(scale: Double) -> Adapter {
    let block = "transformer_blocks.7."
    let modules = [
      module(block + "attn.to_q", rank: 2), module(block + "attn.to_out.0", rank: 1),
      module(block + "attn.to_add_out", rank: 3), module(block + "img_mod.1", rank: 2, 48),
      module(block + "txt_mlp.net.2", rank: 2, columns: 32),
    ]
    return Adapter(
      family: ModelFamily.named("qwen-image"), modules: modules.map { scaled($0, scale) },
      metadata: [("format", "pt"), ("note", "kept")])
  }

  /// A power of two, so that alphas are exact at every rank.
  private func scaled(_ module: AdapterModule, _ scale: Double) -> AdapterModule {
    var module = module
    module.scale = scale
    return module
  }

  @Test("gives the same bytes for FLUX.1", arguments: [false, true])
  func fluxTriples(scaled: Bool) throws {
    try check(fluxAdapter(scale: scaled ? 0.25 : 1), Self.flux, scaled: scaled)
  }

  @Test("gives the same bytes for Qwen-Image", arguments: [false, true])
  func qwenTriples(scaled: Bool) throws {
    try check(qwenAdapter(scale: scaled ? 0.25 : 1), Self.qwen, scaled: scaled)
  }

  @Test("keeps bfloat16, and different types of A and B")
  func types() throws {
    var adapter = fluxAdapter(scale: 1)
    adapter.modules = adapter.modules.enumerated().map { position, module in
      let down = position % 3 == 0 ? module.down : InMemory.bf16(module.down)
      // Parts of one fused module have one type.
      let isAlone = module.path.hasSuffix("norm1.linear") || module.path.hasSuffix("proj_out")
      return AdapterModule(
        path: module.path, down: isAlone ? down : InMemory.bf16(module.down),
        up: isAlone ? module.up : InMemory.bf16(module.up))
    }
    try check(adapter, Self.flux, scaled: false)
  }

  /// Modules whose B is zero change nothing; they may be lost where they are fused with others,
  /// which is no failure.
  @Test func untrainedModulesAreNoFailure() throws {
    let folder = try TemporaryFolder()
    let zero = TensorView(name: "", shape: [8, 2], [Float](repeating: 0, count: 16))
    let down = InMemory.tensor("a", [2, 8])
    for trained in [[], [0], [1], [0, 2]] {
      let modules = ["to_q", "to_k", "to_v"].enumerated().map { position, name in
        AdapterModule(
          path: "single_transformer_blocks.0.attn.\(name)",
          down: position == 1 ? InMemory.tensor("b", [2, 8]) : down,
          up: trained.contains(position) ? InMemory.tensor(name, [8, 2]) : zero)
      }
      let adapter = Adapter(family: ModelFamily.named("flux1"), modules: modules)
      var options = AdapterWritingOptions()
      options.form = .dialect("kohya")
      options.overwrite = true
      let path = folder.path.appending("zero.safetensors")
      try adapter.write(to: path, options)
      let (found, expected) = (deltas(of: try Adapter(opening: path)), deltas(of: adapter))
      for (module, delta) in expected {
        #expect(found[module] == delta || (found[module] == nil && delta.allSatisfy { $0 == 0 }))
      }
    }
  }
}
