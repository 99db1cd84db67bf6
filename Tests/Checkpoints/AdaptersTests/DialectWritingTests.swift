import Adapters
import Checkpoints
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Writing adapter dialects")
struct DialectWritingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(
    _ adapter: Adapter, _ name: String, _ change: (inout AdapterWritingOptions) -> Void
  ) throws -> FilePath {
    let path = folder.path.appending(name + ".safetensors")
    var options = AdapterWritingOptions()
    options.dtype = nil
    options.overwrite = true
    change(&options)
    try adapter.write(to: path, options)
    return path
  }

  /// What sd-scripts' own converter makes of the file, bit for bit; alphas by value.
  @Test func kohyaFusesAsItsOwnConverterDoes() throws {
    let name = "lora_flux_diffusers_to_kohya"
    let adapter = try Adapter(opening: conversionCase(name, "in/pytorch_lora_weights.safetensors"))
    let found = try SafetensorsFile(
      opening: write(adapter, "kohya") { $0.form = .dialect("kohya") })
    let expected = try SafetensorsFile(opening: conversionCase(name, "exp/lora_kohya.safetensors"))
    #expect(found.tensors.count == expected.tensors.count)
    for tensor in expected.tensors {
      let same = try found.tensor(named: tensor.name)
      #expect(same.shape == tensor.shape)
      #expect(same.floats() == tensor.floats())
      #expect(same.dtype == tensor.dtype || tensor.shape.isEmpty)
    }
  }

  @Test(
    "agrees with what other programs make of a file",
    arguments: [
      ("lora_flux_kohya_to_diffusers", "lora", "pytorch_lora_weights", "diffusers", 0.006),
      ("lora_flux_kohya_no_alpha", "lora", "pytorch_lora_weights", "diffusers", 1e-6),
      ("lora_flux_xlabs_to_diffusers", "lora", "pytorch_lora_weights", "diffusers", 1e-7),
      ("lora_flux_comfy_prefix_to_diffusers", "lora", "pytorch_lora_weights", "diffusers", 1e-6),
      ("lora_flux_header_alpha_to_comfy", "pytorch_lora_weights", "lora_comfy", "comfyui", 2e-6),
      ("lora_glance_no_alpha_to_comfy", "pytorch_lora_weights", "lora_comfy", "comfyui", 1e-7),
      ("lora_qwen_musubi_to_diffusers", "lora", "pytorch_lora_weights", "diffusers", 0.006),
      ("lora_qwen_lightning_to_diffusers", "lora", "pytorch_lora_weights", "diffusers", 0.006),
      ("lora_qwen_diffusers_to_musubi", "pytorch_lora_weights", "lora_musubi", "kohya", 1e-7),
    ] as [(String, String, String, String, Double)])
  func converters(
    name: String, input: String, output: String, dialect: String, tolerance: Double
  ) throws {
    let adapter = try Adapter(opening: conversionCase(name, "in/\(input).safetensors"))
    let found = try write(adapter, "out") { $0.form = .dialect(dialect) }
    let expected = conversionCase(name, "exp/\(output).safetensors")
    #expect(try deltaError(Adapter(opening: found), Adapter(opening: expected)) <= tolerance)
    let keys = { (path: FilePath) in
      try SafetensorsFile(opening: path).tensors.map(\.name).filter { !$0.hasSuffix(".alpha") }
        .sorted()
    }
    #expect(try keys(found) == keys(expected))
  }

  @Test("through every dialect and back gives the same bytes", arguments: ["flux", "qwen"])
  func roundTrip(family: String) throws {
    var adapter = try Adapter(opening: Goldens.folder(family).appending("adapter.safetensors"))
    let first = try write(adapter, "first") { _ in }
    let between = family == "qwen" ? ["kohya", "lightning"] : ["kohya", "onetrainer"]
    for dialect in between + ["comfyui", "diffusers"] {
      adapter = try Adapter(opening: write(adapter, dialect) { $0.form = .dialect(dialect) })
      #expect(adapter.modules.allSatisfy { $0.scale == 1 })
    }
    #expect(
      try fileBytes(first) == fileBytes(folder.path.appending("diffusers.safetensors")))
  }

  @Test("alphas as tensors or in the header leave the factors alone")
  func alphaPolicies() throws {
    let source = Goldens.folder("qwen").appending("adapter_with_alpha.safetensors")
    let adapter = try Adapter(opening: source)
    for (dialect, policy) in [
      ("lightning", AdapterWritingOptions.AlphaPolicy.tensor), ("diffusers", .metadata),
      ("kohya", .tensor), ("comfyui", .tensor),
    ] {
      let path = try write(adapter, "out") {
        $0.form = .dialect(dialect)
        $0.alpha = policy
      }
      let file = try AdapterFile(opening: path)
      #expect(file.scales == [4])
      #expect(file.entries[0].scaleSource == (policy == .tensor ? .alphaTensor : .header))
      let read = try file.adapter()
      for module in adapter.modules {
        #expect(read.module(at: module.path)?.up.floats() == module.up.floats())
      }
    }
    // What no loader of the dialect would read as meant.
    for (dialect, policy, text) in [
      (
        "kohya", AdapterWritingOptions.AlphaPolicy.metadata, "don't read its header; bake the scale"
      ), ("diffusers", .tensor, "don't take alpha tensors; bake the scale"),
    ] {
      expectRefusal(AdapterError.self, saying: text) {
        try write(adapter, "out") {
          $0.form = .dialect(dialect)
          $0.alpha = policy
        }
      }
    }
  }

  private func module(_ path: String, rank: Int, rows: Int = 8, scale: Double = 1) -> AdapterModule
  {
    AdapterModule(
      path: path, down: InMemory.tensor(path + "a", [rank, 8]),
      up: InMemory.tensor(path + "b", [rows, rank]), scale: scale)
  }

  @Test func missingPartsUnequalRanksAndScalesFuseExactly() throws {
    let head = "single_transformer_blocks.0."
    let adapter = Adapter(
      family: ModelFamily.named("flux1"),
      modules: [
        module(head + "attn.to_q", rank: 1, scale: 2), module(head + "attn.to_v", rank: 3),
        module(head + "proj_mlp", rank: 2, rows: 32, scale: 0.5),
        module("transformer_blocks.1.attn.add_k_proj", rank: 2),
        module("norm_out.linear", rank: 2, rows: 16),
      ])
    let path = try write(adapter, "fused") { $0.form = .dialect("kohya") }
    let file = try SafetensorsFile(opening: path)
    let fused = try file.tensor(named: "lora_unet_single_blocks_0_linear1.lora_up.weight")
    #expect(fused.shape == [3 * 8 + 32, 6])
    let alpha = try file.tensor(named: "lora_unet_single_blocks_0_linear1.alpha")
    #expect(alpha.floats() == [6])
    let read = try Adapter(opening: path)
    #expect(deltaError(read, adapter) <= 1e-7)
    #expect(read.module(at: head + "attn.to_v")?.rank == 3)
    #expect(read.module(at: head + "attn.to_q")?.rank == 1)
  }

  @Test func aSharedDownFactorIsWrittenOnce() throws {
    let down = InMemory.tensor("shared", [2, 8])
    let modules = ["to_q", "to_k", "to_v"].map { name in
      AdapterModule(
        path: "transformer_blocks.0.attn." + name, down: down, up: InMemory.tensor(name, [8, 2]))
    }
    let adapter = Adapter(family: ModelFamily.named("flux1"), modules: modules)
    let path = try write(adapter, "shared") { $0.form = .dialect("kohya") }
    let entries = try AdapterFile(opening: path).entries
    #expect(entries.map(\.rank) == [2])
    #expect(deltaError(try Adapter(opening: path), adapter) == 0)
  }

  @Test func whatCantBeWrittenIsSaid() throws {
    let alone = Adapter(
      family: ModelFamily.named("flux1"),
      modules: [module("single_transformer_blocks.0.attn.to_q", rank: 2)])
    for (form, adapter, message) in [
      ("lightning", alone, "is not used for FLUX.1"),
      ("xlabs", alone, "expected one of diffusers, kohya, onetrainer, comfyui, lightning"),
      (
        "kohya", Adapter(family: nil, modules: alone.modules),
        "dialect 'kohya' has other names for each family, and the adapter's modules are those of FLUX.1; say "
          + "what it is for: --family flux1"
      ),
      (
        "onetrainer",
        Adapter(
          family: ModelFamily.named("qwen-image"),
          modules: [module("transformer_blocks.0.attn.to_q", rank: 2)]),
        "dialect 'onetrainer' is not used for Qwen-Image, expected one of diffusers, kohya, comfyui, "
          + "lightning"
      ),
    ] {
      let error = #expect(throws: AdapterError.self) {
        _ = try write(adapter, "x") { $0.form = .dialect(form) }
      }
      #expect(error?.description.contains(message) == true)
      #expect(folder.entries == [])
    }
  }

  @Test func missingModulesHaveTheBasesRowsElseTheUsualOnes() throws {
    let alone = Adapter(
      family: ModelFamily.named("flux1"),
      modules: [module("single_transformer_blocks.0.attn.to_q", rank: 2)])
    let name = "lora_unet_single_blocks_0_linear1.lora_up.weight"
    let usual = try write(alone, "x") { $0.form = .dialect("kohya") }
    #expect(try SafetensorsFile(opening: usual).tensor(named: name).shape == [3 * 8 + 4 * 8, 2])
    let base = Architecture(
      family: try #require(ModelFamily.named("flux1")),
      dimensions: Dimensions(
        sizes: ["hidden": 8, "mlp": 24], blockCounts: ["double": 1, "single": 1]))
    let path = try write(alone, "x") {
      $0.form = .dialect("kohya")
      $0.base = base
    }
    #expect(try SafetensorsFile(opening: path).tensor(named: name).shape == [3 * 8 + 24, 2])
    #expect(deltaError(try Adapter(opening: path), alone) == 0)
  }

  @Test func theNetworksMetadataFollowTheRank() throws {
    let name = "lora_flux_blockdiag_kohya_back_to_diffusers"
    var adapter = try Adapter(opening: conversionCase(name, "in/lora_kohya.safetensors"))
    adapter.metadata = [
      ("ss_network_dim", "4"), ("ss_network_alpha", "1"), ("sshs_model_hash", "x"), ("k", "v"),
    ]
    let metadata = try SafetensorsFile(
      opening: write(adapter, "k") { $0.form = .dialect("kohya") }
    ).metadata
    #expect(
      metadata.map { "\($0.key)=\($0.value)" } == [
        "ss_network_dim=8", "ss_network_alpha=8.0", "k=v",
      ])
    let split = try SafetensorsFile(opening: write(adapter, "d") { _ in }).metadata
    #expect(
      split.prefix(4).map { "\($0.key)=\($0.value)" } == [
        "format=pt", "ss_network_dim=2", "ss_network_alpha=2.0", "k=v",
      ])
  }
}
