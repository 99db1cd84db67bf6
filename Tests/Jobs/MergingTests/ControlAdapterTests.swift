import Adapters
import Checkpoints
import Elements
import JSON
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Control LoRAs, baked")
struct ControlAdapterTests {
  private let folder: TemporaryFolder
  private static let base = Fixtures.model("tiny-flux").appending("transformer")
    .appending("diffusion_pytorch_model.safetensors")

  init() throws { folder = try TemporaryFolder() }

  private func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("control/\(name).safetensors")
  }

  private func bake(
    _ name: String, base: FilePath = base, to output: String = "merged.safetensors",
    strength: Double = 1, isReversible: Bool = false
  ) throws -> FilePath {
    let adapters = try MergedAdapter.adapters(
      in: fixture(name), phase: nil, strength: strength, isPartial: false,
      otherMethods: .asTheyAre
    ).adapters
    var request = BakeRequest(
      base: base, output: folder.path.appending(output), adapters: adapters)
    request.form.dtype = .f32
    request.isReversible = isReversible
    let bake = try Bake(request)
    #expect(
      bake.plan.notes.contains {
        $0.contains("'x_embedder' reads 128 features instead of 64 from now on")
          && $0.contains("Control class") && $0.contains("FluxControlPipeline")
      }, "\(bake.plan.notes)")
    return try bake.write { _ in }.output
  }

  /// `tools/record-control-adapter`: FluxControlPipeline of diffusers 0.42.1, in float64.
  @Test("are what diffusers makes of them, in either's names", arguments: ["bfl", "diffusers"])
  func baked(name: String) throws {
    let expected = try SafetensorsFile(opening: fixture("baked"))
    let merged = try SafetensorsFile(opening: bake(name))
    for tensor in expected.tensors {
      let found = try merged.tensor(named: tensor.name)
      #expect(found.shape == tensor.shape, "\(tensor.name)")
      // Both are rounded to float32 once.
      #expect(relativeError(found.floats(), tensor.floats()) < 1e-7, "\(tensor.name)")
    }
    #expect(try merged.tensor(named: "x_embedder.weight").shape == [96, 128])
  }

  /// Source: diffusers 0.42.1, `FluxLoraLoaderMixin._maybe_expand_lora_state_dict`.
  @Test(
    "go together with a LoRA of the narrower first layer, which means zeros for what is read besides"
  )
  func narrowLoRA() throws {
    let (down, up) = ((0..<64).map { Float($0) / 64 }, (0..<96).map { 1 - Float($0) / 96 })
    let module = AdapterModule(
      path: "x_embedder", down: TensorView(name: "down", shape: [1, 64], down),
      up: TensorView(name: "up", shape: [96, 1], up))
    let lora = folder.path.appending("lora.safetensors")
    try Adapter(family: ModelFamily.named("flux1"), modules: [module], metadata: []).write(to: lora)
    let adapters = try [fixture("bfl"), lora].flatMap { file in
      try MergedAdapter.adapters(
        in: file, phase: nil, strength: 1, isPartial: false, otherMethods: .asTheyAre
      ).adapters
    }
    var request = BakeRequest(
      base: Self.base, output: folder.path.appending("merged.safetensors"), adapters: adapters)
    request.form.dtype = .f32
    let output = try Bake(request).write { _ in }.output
    let control = try SafetensorsFile(opening: fixture("baked")).tensor(named: "x_embedder.weight")
    let expected = control.floats().enumerated().map { index, value in
      let (row, column) = index.quotientAndRemainder(dividingBy: 128)
      return column < 64 ? value + up[row] * down[column] : value
    }
    let found = try SafetensorsFile(opening: output).tensor(named: "x_embedder.weight")
    #expect(found.shape == [96, 128])
    // The recorded number and this sum are rounded as well.
    #expect(relativeError(found.floats(), expected) < 3e-7)
    let coverage = try AdapterFile(opening: lora).adapter()
      .coverage(of: OpenedCheckpoint(opening: output).architecture())
    #expect(coverage.isComplete, "\(coverage)")
  }

  @Test("are baked one at a time, for each puts norms of its own in their place")
  func two() throws {
    let adapters = try ["bfl", "diffusers"].flatMap { name in
      try MergedAdapter.adapters(
        in: fixture(name), phase: nil, strength: 1, isPartial: false, otherMethods: .asTheyAre
      ).adapters
    }
    let output = folder.path.appending("merged.safetensors")
    var request = BakeRequest(base: Self.base, output: output, adapters: adapters)
    request.form.dtype = .f32
    let error = #expect(throws: MergeError.self) { try Bake(request) }
    let text = "\(try #require(error))"
    #expect(text.hasPrefix("\(fixture("diffusers")): replaces '"))
    #expect(text.hasSuffix("', which another adapter replaces too; bake one of them alone"))
  }

  @Test("take a base of the published names alike")
  func published() throws {
    let base = folder.path.appending("base.safetensors")
    var request = RewritingRequest(input: Self.base, output: base)
    request.layout = "bfl"
    _ = try RewritingPlan(request).write { _ in }
    let merged = try SafetensorsFile(opening: bake("bfl", base: base))
    let expected = try SafetensorsFile(opening: fixture("baked"))
    let pairs = [
      ("img_in.weight", "x_embedder.weight"), ("final_layer.linear.bias", "proj_out.bias"),
      ("single_blocks.3.norm.key_norm.scale", "single_transformer_blocks.3.attn.norm_k.weight"),
      (
        "double_blocks.1.txt_attn.norm.query_norm.scale",
        "transformer_blocks.1.attn.norm_added_q.weight"
      ),
    ]
    for (own, other) in pairs {
      let (found, wanted) = (try merged.tensor(named: own), try expected.tensor(named: other))
      #expect(found.shape == wanted.shape)
      #expect(relativeError(found.floats(), wanted.floats()) < 1e-7, "\(own)")
    }
    let description = try OpenedCheckpoint(opening: folder.path.appending("merged.safetensors"))
      .description
    #expect(description.variant?.name == "control" && description.problems.isEmpty)
  }

  @Test("say in config.json how many channels are read")
  func configuration() throws {
    let output = try bake(
      "bfl", base: Self.base.removingLastComponent(), to: "transformer")
    let configuration = try JSONValue(
      parsing: Fixtures.text(output.appending("config.json")))
    #expect(configuration["in_channels"]?.integer == 128)
    #expect(configuration["out_channels"]?.integer == 64)
    let opened = try OpenedCheckpoint(opening: output)
    #expect(opened.description.variant?.name == "control" && opened.description.problems.isEmpty)
  }

  @Test("a strength goes that much of the way, norms included")
  func strength() throws {
    let whole = try SafetensorsFile(opening: fixture("baked"))
    let half = try SafetensorsFile(opening: bake("bfl", strength: 0.5))
    let base = try SafetensorsFile(opening: Self.base)
    for tensor in whole.tensors where tensor.name != "x_embedder.weight" {
      let expected = zip(tensor.floats(), try base.tensor(named: tensor.name).floats())
        .map { ($0 + $1) / 2 }
      // The recorded sum and this mean are rounded as well.
      #expect(
        relativeError(try half.tensor(named: tensor.name).floats(), expected) < 3e-7,
        "\(tensor.name)")
    }
  }

  @Test("can't be undone, and take no base whose first layer is in codes")
  func refusals() throws {
    expectRefusal(
      MergeError.self,
      saying: "--reversible can't take back an adapter that widens a layer; keep the base"
    ) { try bake("bfl", isReversible: true) }
    let codes = folder.path.appending("base.safetensors")
    var request = RewritingRequest(input: Self.base, output: codes)
    request.form.dtype = .f8E4M3
    _ = try RewritingPlan(request).write { _ in }
    expectRefusal(
      MergeError.self,
      saying: "tensor 'x_embedder.weight': a merge into F8_E4M3, to which an adapter adds columns"
    ) { try bake("bfl", base: codes) }
  }

  @Test("are adapters, though they hold norms as checkpoints do", arguments: ["bfl", "diffusers"])
  func kind(name: String) {
    #expect(AdapterOrCheckpoint(fixture(name)) == .adapter)
  }

  @Test("fit the base that they widen, and are no plain LoRA")
  func inspected() throws {
    let file = try AdapterFile(opening: fixture("bfl"))
    #expect(file.family?.name == "flux1")
    #expect(file.problems.count { $0.isError } == 0)
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
    let adapter = try file.adapter(options)
    let base = try OpenedCheckpoint(opening: Self.base).architecture()
    #expect(adapter.coverage(of: base).isComplete)
    expectRefusal(
      AdapterError.self,
      saying: "no plain LoRA, since it replaces norms: a bake takes it"
    ) { try file.adapter() }
  }
}
