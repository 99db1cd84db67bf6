import Elements
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Adapters of the kinds that users reported. Expected changes are products in double precision,
/// stored as BF16, that other programs agree with: hence 0.3 %.
@Suite("Reported adapters mean the same to every command")
struct ReportedAdapterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func base(_ family: String) -> FilePath {
    Fixtures.model(family).appending("transformer")
      .appending("diffusion_pytorch_model.safetensors")
  }

  private func file(_ name: String, _ file: String = "lora.safetensors") -> String {
    Fixtures.report(name, file).string
  }

  private func inspect(_ arguments: String...) throws -> JSONValue {
    let outcome = try BuiltCommand("glance-inspect").run(["--json"] + arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSONValue(parsing: outcome.output)
  }

  private func scales(_ object: JSONValue) -> [Double] {
    object["scale"]?.array?.compactMap(\.double) ?? []
  }

  /// What a bake in float32 changes, by tensor; nothing for those it leaves alone.
  private func changes(
    _ family: String, _ adapters: [String], _ options: [String] = []
  ) throws -> [String: [Float]] {
    let output = path("baked.safetensors")
    let outcome = try BuiltCommand("glance-merge").run(
      [base(family).string] + adapters + options
        + ["--dtype", "f32", "--force", "--output", output])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let before = try SafetensorsFile(opening: base(family))
    var changes: [String: [Float]] = [:]
    for tensor in try SafetensorsFile(opening: FilePath(output)).tensors {
      let old = try before.tensor(named: tensor.name).floats()
      let change = zip(tensor.floats(), old).map { $0 - $1 }
      if change.contains(where: { $0 != 0 }) { changes[tensor.name] = change }
    }
    return changes
  }

  private func expected(
    _ name: String, _ file: String = "expected-change.safetensors"
  ) throws -> [String: [Float]] {
    let source = try SafetensorsFile(opening: Fixtures.report(name, file))
    return Dictionary(
      uniqueKeysWithValues: source.tensors.map { ($0.name.withoutWeight, $0.floats()) })
  }

  /// scale · B · A of every module of a file with these names, its own alphas honoured.
  private func products(
    _ file: String, prefix: String, down: String = ".lora_A.weight", up: String = ".lora_B.weight"
  ) throws -> [String: [Float]] {
    let source = try SafetensorsFile(opening: FilePath(file))
    var products: [String: [Float]] = [:]
    for a in source.tensors where a.name.hasSuffix(down) {
      let stem = String(a.name.dropLast(down.count))
      let b = try source.tensor(named: stem + up)
      let (rank, columns) = (a.shape[0], a.shape[1])
      let (left, right) = (b.floats(), a.floats())
      let alpha = source.find(stem + ".alpha")?.floats()[0] ?? Float(rank)
      products[String(stem.dropFirst(prefix.count))] = (0..<b.shape[0]).flatMap { row in
        (0..<columns).map { column in
          alpha / Float(rank)
            * (0..<rank).reduce(0) {
              $0 + left[row * rank + $1] * right[$1 * columns + column]
            }
        }
      }
    }
    return products
  }

  private func expectClose(
    _ found: [String: [Float]], _ expected: [String: [Float]], _ tolerance: Double = 3e-3,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = Dictionary(uniqueKeysWithValues: found.map { ($0.key.withoutWeight, $0.value) })
    let changed = expected.filter { $0.value.contains { $0 != 0 } }
    #expect(
      found.keys.sorted() == changed.keys.sorted(), "the modules that change",
      sourceLocation: sourceLocation)
    for (name, values) in changed {
      #expect(
        relativeError(found[name] ?? [], values) <= tolerance, "\(name)",
        sourceLocation: sourceLocation)
    }
  }

  // MARK: What states the scale

  @Test("alpha in adapter_config.json, the folder or the file named", arguments: [true, false])
  func folderOfPEFT(namesFolder: Bool) throws {
    let name = "peft_folder_alpha_beside"
    let adapter = file(name, namesFolder ? "adapter" : "adapter/adapter_model.safetensors")
    let object = try inspect(adapter)
    #expect(scales(object) == [4])
    #expect(object["scale_source"] == ["configuration"])
    #expect(object["scale_stated_by"] == ["adapter_config.json"])
    try expectClose(changes("tiny-qwen-image", [adapter]), expected(name))
    let converted = path("c.safetensors")
    let conversion = try BuiltCommand("glance-convert").run([
      adapter, "--dialect", "comfyui", "--family", "qwen-image", "--output", converted,
    ])
    #expect(conversion.status == 0, "\(conversion.errors)")
    #expect(
      conversion.errors.contains(
        "the scale 4 is only in adapter_config.json, which ComfyUI and kohya's scripts don't read"))
    try expectClose(products(converted, prefix: "diffusion_model."), expected(name))
    let merged = path("m.safetensors")
    let merge = try BuiltCommand("glance-merge").run([
      "--mode", "adapter", adapter, "--output", merged,
    ])
    #expect(merge.status == 0, "\(merge.errors)")
    try expectClose(products(merged, prefix: "transformer."), expected(name))
    let packed = try BuiltCommand("glance-convert").run([
      adapter, "--compress", "--output", path("p.glance.safetensors"),
    ])
    #expect(packed.status == 0, "\(packed.errors)")
    #expect(
      packed.errors.contains(
        "its scale is in adapter_config.json, which the output doesn't hold"))
    let bundle = path("b.safetensors")
    let bundling = try BuiltCommand("glance-merge").run([
      "--mode", "bundle", "slow=\(adapter)", "fast=\(adapter)", "--output", bundle,
    ])
    #expect(bundling.status == 0, "\(bundling.errors)")
    try expectClose(changes("tiny-qwen-image", [bundle], ["--phase", "slow"]), expected(name))
    let same = try BuiltCommand("glance-merge").run([
      "--mode", "compare", "--json", adapter, merged,
    ])
    let norms = try JSONValue(parsing: same.output)
    #expect(norms["norm_a"]?.double == norms["norm_b"]?.double, "\(same.output)")
  }

  @Test(
    "alpha under other names of the header",
    arguments: [
      ("lora", "the header's 'alpha'"), ("lora3", "the header's 'transformer.lora_alpha'"),
      ("lora4", "the header's 'lora_alpha'"),
    ])
  func otherNames(lora: String, statement: String) throws {
    let name = "alpha_in_header_under_other_names"
    let adapter = file(name, lora + ".safetensors")
    let object = try inspect(adapter)
    #expect(scales(object) == [2])
    #expect(object["scale_stated_by"] == [.string(statement)])
    try expectClose(changes("tiny-qwen-image", [adapter]), expected(name))
    let converted = path("c.safetensors")
    let conversion = try BuiltCommand("glance-convert").run([
      adapter, "--dialect", "diffusers", "--output", converted,
    ])
    #expect(conversion.status == 0, "\(conversion.errors)")
    // What it said is in the factors now, and may not be said again.
    #expect(try scales(inspect(converted)) == [1])
    try expectClose(products(converted, prefix: "transformer."), expected(name))
  }

  @Test func kohyasAlphaOutsideItsNamesIsSaidAndNotApplied() throws {
    let adapter = file("alpha_in_header_under_other_names", "lora2.safetensors")
    let object = try inspect(adapter)
    #expect(scales(object) == [1])
    let texts = object["problems"]?.array?.compactMap { $0["text"]?.string }
    #expect(
      texts == [
        "no alpha is stored for 2 modules: scale 1 is assumed (alpha = rank); the header's "
          + "'ss_network_alpha' of 8 is not applied, since converters copy it when the scale is in "
          + "the factors already"
      ])
    #expect(try scales(inspect(adapter, "--assume-alpha", "8")) == [2])
    try expectClose(
      changes("tiny-qwen-image", [adapter], ["--assume-alpha", "8"]),
      expected("alpha_in_header_under_other_names"))
  }

  @Test func theAdviceCanBeFollowedWhereItIsGiven() throws {
    let adapter = file("advice_that_can_be_followed")
    let advice =
      "scale 1 is assumed (alpha = rank); if training used another alpha, give it with "
      + "--assume-alpha"
    let model = Fixtures.model("tiny-flux").string
    for (command, arguments) in [
      ("glance-inspect", [adapter]),
      ("glance-convert", [adapter, "--output", path("c.safetensors"), "--dry-run"]),
      ("glance-merge", [base("tiny-flux").string, adapter, "--output", path("m"), "--dry-run"]),
      (
        "glance-sample",
        [
          "--model", model, "--adapter", adapter, "--prompt", "x", "--size", "64x64", "--output",
          path("x.png"), "--dry-run",
        ]
      ),
    ] {
      let plain = try BuiltCommand(command).run(arguments)
      #expect(plain.status == 0, "\(plain.errors)")
      #expect((plain.output + plain.errors).contains(advice), "\(command)")
      let given = try BuiltCommand(command).run(arguments + ["--assume-alpha", "16"])
      #expect(given.status == 0, "\(given.errors)")
      #expect(!(given.output + given.errors).contains("assumed"), "\(command)")
    }
    // What was given is recorded with what it was given for, and refused where nothing takes it.
    let output = path("m.safetensors")
    for arguments in [[base("tiny-flux").string, adapter], ["--mode", "adapter", adapter + ":2"]] {
      let outcome = try BuiltCommand("glance-merge").run(
        arguments + ["--assume-alpha", "16", "--force", "--output", output])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let text = try SafetensorsFile(opening: FilePath(output)).metadata
        .first { $0.key == "glance.merged" }?.value
      let record = try JSONValue(parsing: #require(text)).array?.first
      #expect(record?["assumed_alpha"]?.double == 16)
    }
    let refused = try BuiltCommand("glance-merge").run([
      "--mode", "split", adapter, "--assume-alpha", "16", "--output", path("x"),
    ])
    #expect(refused.status == 64)
    #expect(
      refused.errors.contains(
        "--assume-alpha is for adapters that say no alpha; none is read here."))
    let object = try inspect(adapter, "--assume-alpha", "16")
    #expect(scales(object) == [4])
    #expect(object["scale_source"] == ["given"])
    let found = try changes("tiny-flux", [adapter], ["--assume-alpha", "16"])
    let once = try products(adapter, prefix: "transformer.")
    expectClose(found, once.mapValues { $0.map { 4 * $0 } }, 1e-4)
  }

  // MARK: Forms of factors

  @Test(
    "factors and alphas of other types and shapes",
    arguments: ["factors_with_trailing_ones", "fp8_lora_alpha_in_fp8", "fp8_lora_scale_baked_away"])
  func forms(name: String) throws {
    let adapter = file(name)
    try expectClose(changes("tiny-flux", [adapter]), expected(name))
    let converted = path("c.safetensors")
    let outcome = try BuiltCommand("glance-convert").run([
      adapter, "--dialect", "diffusers", "--output", converted,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    try expectClose(products(converted, prefix: "transformer."), expected(name))
    let types = try Set(
      SafetensorsFile(opening: FilePath(converted)).tensors
        .filter { $0.name.contains("lora_B") }.map(\.dtype.rawValue))
    #expect(types == ["F32"])
    #expect(
      outcome.errors.contains("B is written as F32 (modules: 2)") == name.hasPrefix("fp8"))
  }

  @Test(
    "what was right stays right",
    arguments: ["pass_alpha_zero_and_other_by_block", "pass_rslora_and_patterns_in_header"])
  func stillRight(name: String) throws {
    let adapter = file(name)
    try expectClose(changes("tiny-flux", [adapter]), expected(name))
    try expectClose(
      changes("tiny-flux", [adapter + ":-1"]), expected(name).mapValues { $0.map { -$0 } })
  }

  @Test func aFusedModuleWhoseRankItsPartsDivide() throws {
    let name = "pass_fused_module_rank_divisible_by_parts"
    let converted = path("c.safetensors")
    let outcome = try BuiltCommand("glance-convert").run([
      file(name), "--dialect", "diffusers", "--output", converted,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    try expectClose(
      products(converted, prefix: "transformer."), expected(name, "expected.safetensors"))
  }

  @Test func twoIntoOne() throws {
    let name = "pass_two_qwen_loras_into_one"
    let sum = path("sum.safetensors")
    let outcome = try BuiltCommand("glance-merge").run([
      "--mode", "adapter", file(name, "lightning.safetensors") + ":1",
      file(name, "style.safetensors") + ":0.8", "--dialect", "comfyui", "--output", sum,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    try expectClose(products(sum, prefix: "diffusion_model."), expected(name))
  }

  // MARK: Another base

  @Test func aDifferenceToWhatIsLeftOfTheBaseIsRefused() throws {
    let adapter = file("pissa-adapter", "pytorch_lora_weights.safetensors")
    let reason =
      "'init_lora_weights' in lora_adapter_metadata says PiSSA: its first factors were taken out of "
      + "the base's weights, so it is no difference to the model's own; 'glance-convert FILE --base BASE "
      + "--output LORA' makes a plain LoRA of it with the model that it was trained on"
    let object = try inspect(adapter)
    #expect(
      object["problems"]?.array?.first == ["severity": "error", "text": .string(reason)])
    for (command, arguments) in [
      ("glance-merge", [base("tiny-flux").string, adapter, "--output", path("m.safetensors")]),
      ("glance-merge", ["--mode", "adapter", adapter, "--output", path("m.safetensors")]),
      (
        "glance-convert",
        [adapter, "--dialect", "comfyui", "--output", path("m.safetensors")]
      ),
      (
        "glance-sample",
        [
          "--model", Fixtures.model("tiny-flux").string, "--adapter", adapter, "--prompt", "x",
          "--output", path("x.png"),
        ]
      ),
    ] {
      let outcome = try BuiltCommand(command).run(arguments)
      #expect(outcome.status == 65, "\(command)")
      #expect(outcome.errors.contains("\(adapter): \(reason)"), "\(command): \(outcome.errors)")
    }
    #expect(folder.entries == [])
  }
}

extension String {
  /// A module's path, where this is its weight's name.
  fileprivate var withoutWeight: String {
    hasSuffix(".weight") ? String(dropLast(".weight".count)) : self
  }
}
