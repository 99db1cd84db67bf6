import Adapters
import Checkpoints
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("What loaders do with an adapter")
struct LoaderSimulationTests {
  private func loading(_ file: FilePath, _ loader: String) throws -> LoaderSimulation {
    LoaderSimulation(
      of: try AdapterFile(opening: file), by: try #require(LoaderRules.named(loader)))
  }

  private func file(_ name: String) -> FilePath {
    let folder = Fixtures.folder.appending("convert").appending("cases").appending(name)
      .appending("in")
    for file in ["lora.safetensors", "pytorch_lora_weights.safetensors", "lora_kohya.safetensors"] {
      let path = folder.appending(file)
      if (try? SafetensorsFile(opening: path)) != nil { return path }
    }
    return folder
  }

  // MARK: diffusers, as recorded by tools/record-loader-verdicts

  static let recorded: JSONValue = {
    let path = Fixtures.folder.appending("loaders").appending("diffusers.json")
    return (try? JSONValue(parsing: Fixtures.text(path))) ?? .null
  }()

  static let suffixes: [String: (down: String, up: String)] = [
    "peft": (".lora_A.weight", ".lora_B.weight"),
    "kohya": (".lora_down.weight", ".lora_up.weight"),
    "diffusers-old": (".lora.down.weight", ".lora.up.weight"),
    "diffusers-linear-layer": (
      ".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"
    ),
    "peft-named": (".lora_A.default.weight", ".lora_B.default.weight"),
    "bare": (".lora_A", ".lora_B"),
  ]

  /// Modules that a recorded case has, with a shape of one row and column, which loading by names
  /// doesn't ask about.
  private func adapter(_ recorded: JSONValue) throws -> AdapterFile {
    func text(_ key: String) -> String { recorded[key]?.string ?? "" }
    let modules =
      Self.recorded["modules"]?[
        "\(text("family")) \(text("names")) \(text("part"))"]?.array ?? []
    let ending = try #require(Self.suffixes[text("suffix")])
    var tensors: [TensorView] = []
    for name in modules.compactMap(\.string) {
      let isFlat = text("prefix").hasSuffix("_")
      let path = isFlat ? String(name.map { $0 == "." ? "_" : $0 }) : name
      let stem = text("prefix") + path
      tensors += [
        TensorView(name: stem + ending.down, shape: [2, 1], [1, 1]),
        TensorView(name: stem + ending.up, shape: [1, 2], [1, 1]),
      ]
      if recorded["alpha"] == true {
        tensors.append(TensorView(name: stem + ".alpha", shape: [], [1]))
      }
    }
    let header =
      "{\"transformer.r\": 2, \"transformer.lora_alpha\": 1, \"transformer.target_modules\": []}"
    return InMemory.file(
      tensors,
      metadata: recorded["header"] == true ? [("lora_adapter_metadata", header)] : [])
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let json: JSONValue
    var testDescription: String { json.text(.compact) }
    static var all: [Case] { (recorded["cases"]?.array ?? []).map(Case.init) }
  }

  @Test("diffusers' verdict is the recorded one", arguments: Case.all)
  func diffusers(recorded: Case) throws {
    let recorded = recorded.json
    let rules = try #require(LoaderRules.named("diffusers"))
    let family = ModelFamily.named(recorded["family"]?.string ?? "")
    let found = LoaderSimulation(of: try adapter(recorded), by: rules, into: family)
    if recorded["refused"] != nil {
      #expect(found.refusal != nil)
      #expect(found.loadedCount == 0)
    } else {
      #expect(found.refusal == nil)
      #expect(found.loadedCount == recorded["loaded"]?.integer)
      // Where names are converted, scales couldn't be recorded.
      if let scales = recorded["scales"]?.array, !scales.isEmpty {
        #expect(found.scales.map(\.scale) == scales.compactMap(\.double))
      }
    }
  }

  @Test func theRecordingIsThere() {
    #expect((Self.recorded["cases"]?.array?.count ?? 0) > 100)
  }

  /// Numbers that diffusers 0.42.1 itself gave for these files; for the first four its converter was
  /// run with their widths.
  @Test(
    "diffusers applies",
    arguments: [
      ("lora_flux_kohya_to_diffusers", 46), ("lora_flux_kohya_no_alpha", 46),
      ("lora_flux_blockdiag_kohya_back_to_diffusers", 46),
      ("lora_flux_comfy_prefix_to_diffusers", 46), ("lora_flux_diffusers_to_kohya", 46),
      ("lora_flux_header_alpha_to_comfy", 10), ("lora_flux_xlabs_to_diffusers", 28),
      ("lora_glance_no_alpha_to_comfy", 36), ("lora_glance_qwen_mixed_suffixes_to_diffusers", 24),
      ("lora_qwen_aitoolkit_to_diffusers", 42), ("lora_qwen_diffusers_to_musubi", 42),
      ("lora_qwen_lightning_to_diffusers", 36), ("lora_qwen_musubi_to_diffusers", 36),
      ("lora_dora_refused", 1),
    ])
  func recordedFiles(name: String, count: Int) throws {
    let found = try loading(file(name), "diffusers")
    #expect(found.refusal == nil)
    #expect(found.loadedCount == count)
  }

  @Test func diffusersRefusesAnUnknownModule() throws {
    let found = try loading(file("lora_unknown_module_error"), "diffusers")
    #expect(found.refusal != nil)
    let keys: [String] = found.ignored.reduce(into: []) { $0 += $1.keys }
    #expect(keys.contains { $0.contains("bogus") })
  }

  // MARK: The others, by their sources

  @Test func mixedEndingsAreNoTrapForComfyUI() throws {
    let mixed = file("lora_glance_qwen_mixed_suffixes_to_diffusers")
    let diffusers = try loading(mixed, "diffusers")
    #expect(diffusers.moduleCount == 36 && diffusers.ignoredKeyCount == 24)
    #expect(diffusers.ignored.first?.reason.contains("first key") == true)
    let comfyUI = try loading(mixed, "comfyui")
    #expect(comfyUI.loadedCount == 36 && comfyUI.ignoredKeyCount == 0)
    let kohya = try loading(mixed, "kohya")
    #expect(kohya.loadedCount == 0 && kohya.ignoredKeyCount == 72)
  }

  @Test func comfyUIDoesNotReadTheHeader() throws {
    let file = Goldens.folder("qwen").appending("adapter_with_alpha.safetensors")
    let comfyUI = try loading(file, "comfyui")
    #expect(comfyUI.scales.map(\.scale) == [1])
    #expect(comfyUI.warnings.contains { $0.contains("lora_adapter_metadata says 4") })
    let diffusers = try loading(file, "diffusers")
    #expect(diffusers.scales.map(\.scale) == [4])
    #expect(diffusers.warnings.isEmpty)
  }

  @Test func bareNamesWithoutAlphaAreNotLoadedByDiffusers() throws {
    let tensors = [
      TensorView(name: "transformer_blocks.0.img_mod.1.lora_down.weight", shape: [1, 2], [1, 1]),
      TensorView(
        name: "transformer_blocks.0.img_mod.1.lora_up.weight", shape: [12, 1],
        .init(repeating: 1, count: 12)),
    ]
    let file = InMemory.file(tensors)
    let rules = try #require(LoaderRules.named("diffusers"))
    #expect(LoaderSimulation(of: file, by: rules).loadedCount == 0)
    let withAlpha = InMemory.file(
      tensors + [TensorView(name: "transformer_blocks.0.img_mod.1.alpha", shape: [], [0.5])])
    let found = LoaderSimulation(of: withAlpha, by: rules)
    #expect(found.scales.map(\.scale) == [0.5])
    #expect(found.scales.map(\.moduleCount) == [1])
    #expect(found.scales.map(\.targets) == [["img_mod.1"]])
  }

  @Test func otherMethodsAreSaid() throws {
    let dora = file("lora_dora_refused")
    #expect(try loading(dora, "diffusers").warnings.contains { $0.contains("drops dora_scale") })
    #expect(try loading(dora, "comfyui").warnings.contains { $0.contains("DoRA") })
  }

  @Test func everyLoaderHasARuleForEverything() throws {
    for rules in LoaderRules.all {
      let tensors = [
        TensorView(name: "nothing.known.lora_A.weight", shape: [1, 1], [1]),
        TensorView(name: "nothing.known.lora_B.weight", shape: [1, 1], [1]),
      ]
      let file = InMemory.file(tensors)
      let found = LoaderSimulation(of: file, by: rules)
      #expect(found.loadedCount == 0 && found.ignoredKeyCount == 2 && found.moduleCount == 1)
    }
  }
}
