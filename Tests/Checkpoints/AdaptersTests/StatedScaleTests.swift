import Adapters
import Checkpoints
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("What states the scale of an adapter")
struct StatedScaleTests {
  private let stem = "transformer.transformer_blocks.0.attn.to_q"
  private let kohyaStem = "lora_unet_single_blocks_0_linear2"

  private func file(
    _ metadata: Metadata, alpha: Float? = nil,
    configuration: AdapterConfiguration = .none
  ) -> AdapterFile {
    InMemory.file(
      InMemory.pair(stem) + (alpha.map { [InMemory.alpha(stem + ".alpha", $0)] } ?? []),
      metadata: metadata, configuration: configuration)
  }

  @Test(
    "keys of the header",
    arguments: [
      ([("alpha", "8")], 4, "the header's 'alpha'"),
      ([("network_alpha", "8.0"), ("network_dim", "2")], 4, "the header's 'network_alpha'"),
      ([("lora_alpha", "3"), ("r", "2")], 1.5, "the header's 'lora_alpha'"),
      (
        [("transformer.lora_alpha", "4"), ("transformer.r", "2")], 2,
        "the header's 'transformer.lora_alpha'"
      ),
      (
        [("lora_alpha", "4"), ("use_rslora", "True")], 2.8284271247461903,
        "the header's 'lora_alpha'"
      ),
      (
        [("lora_alpha", "4"), ("alpha_pattern", #"{"attn.to_q": 1}"#)], 0.5,
        "the header's 'lora_alpha'"
      ),
      (
        [("lora_adapter_metadata", #"{"r": 2, "lora_alpha": 6}"#)], 3, "lora_adapter_metadata"
      ),
      ([("alpha", "2"), ("rank", "2")], 1, "the header's 'alpha'"),
    ] as [([(String, String)], Double, String)])
  func header(metadata: [(String, String)], scale: Double, statement: String) throws {
    let file = file(Metadata(metadata.map { (key: $0.0, value: $0.1) }))
    let entry = file.entries[0]
    #expect(try abs(#require(entry.scale) - scale) < 1e-12)
    #expect(entry.scaleSource == .header)
    #expect(entry.scaleStatedBy == statement)
    #expect(
      file.problems
        == (scale == 1
          ? [] : [.scaleOnlyInHeader(scale: entry.scale ?? 0, place: "the header")]))
    #expect(try abs(file.adapter().modules[0].scale - scale) < 1e-12)
  }

  @Test("adapter_config.json is not called the header")
  func configuration() throws {
    let file = file([], configuration: .described(["r": 2, "lora_alpha": 8]))
    #expect(file.scales == [4])
    #expect(file.entries[0].scaleSource == .configuration)
    #expect(file.problems == [.scaleOnlyInHeader(scale: 4, place: "adapter_config.json")])
    #expect(
      file.problems.map(\.description) == [
        "the scale 4 is only in adapter_config.json, which ComfyUI and kohya's scripts don't read: "
          + "they would apply 1"
      ])
  }

  @Test("an alpha without a number is said and not used")
  func unread() {
    let file = file([("alpha", "auto")])
    #expect(
      file.problems == [.unreadAlpha(key: "alpha", value: "auto"), .alphaAssumed(moduleCount: 1)])
    #expect(
      file.problems[0].description
        == "the header's 'alpha' is 'auto', which is no number and not used")
    #expect(self.file([("alpha", "None")]).problems == [.alphaAssumed(moduleCount: 1)])
  }

  @Test(
    "statements that differ are refused by the names of both",
    arguments: [
      (
        [("alpha", "8"), ("lora_alpha", "4")], nil, nil,
        "scale 2 from the header's 'lora_alpha', 4 from the header's 'alpha'"
      ),
      (
        [("alpha", "8")], Float(2), nil,
        "scale 1 from its alpha tensor, 4 from the header's 'alpha'"
      ),
      (
        [("lora_adapter_metadata", #"{"transformer.r": 2, "transformer.lora_alpha": 2}"#)], nil, 8,
        "scale 1 from lora_adapter_metadata, 4 from adapter_config.json"
      ),
      (
        [("alpha", "8")], nil, 2, "scale 1 from adapter_config.json, 4 from the header's 'alpha'"
      ),
      (
        [("alpha", "8"), ("rank", "4")], nil, nil,
        "rank 2 in the tensors, 4 in the header's 'alpha'"
      ),
    ] as [([(String, String)], Float?, Int64?, String)])
  func contradictions(
    metadata: [(String, String)], tensor: Float?, configured: Int64?, message: String
  ) throws {
    let file = file(
      Metadata(metadata.map { (key: $0.0, value: $0.1) }), alpha: tensor,
      configuration: configured.map { .described(["r": 2, "lora_alpha": .integer($0)]) } ?? .none)
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(error?.description.contains("'\(stem)': \(message)") == true, "\(error!)")
  }

  /// What fuses modules, or is fused itself, has another rank and alpha, and the same scale.
  @Test func statementsThatAgreeAreOne() throws {
    let file = file([("alpha", "16"), ("rank", "8")], alpha: 4)
    #expect(file.problems == [])
    #expect(file.scales == [2])
    #expect(file.entries[0].scaleSource == .alphaTensor)
  }

  @Test("kohya's alpha speaks for kohya's names alone")
  func copiedAlpha() throws {
    let metadata: Metadata = [
      (key: "ss_network_alpha", value: "1"), (key: "ss_network_dim", value: "2"),
    ]
    let own = InMemory.file(
      InMemory.pair(kohyaStem, down: ".lora_down.weight", up: ".lora_up.weight"),
      metadata: metadata)
    #expect(own.scales == [0.5])
    #expect(own.entries[0].scaleStatedBy == "the header's 'ss_network_alpha'")
    let withTensor = InMemory.file(
      InMemory.pair(kohyaStem, down: ".lora_down.weight", up: ".lora_up.weight")
        + [InMemory.alpha(kohyaStem + ".alpha", 4)], metadata: metadata)
    #expect(withTensor.scales == [2])
    #expect(withTensor.problems == [])
    let other = file(metadata)
    #expect(other.scales == [1])
    #expect(other.problems == [.alphaAssumed(moduleCount: 1, copiedAlpha: "1")])
    // Alpha and rank are equal: scale 1 whether it is in the factors or not.
    let equal = file([("ss_network_alpha", "32"), ("ss_network_dim", "32")])
    #expect(equal.scales == [1])
    #expect(equal.problems == [])
    // The rank is another one: nothing tells what the alpha belongs to.
    let resized = InMemory.file(
      InMemory.pair(kohyaStem, down: ".lora_down.weight", up: ".lora_up.weight"),
      metadata: [("ss_network_alpha", "16"), ("ss_network_dim", "64")])
    #expect(resized.problems == [.alphaAssumed(moduleCount: 1, copiedAlpha: "16")])
  }

  @Test("a description beside a file of another name is named and not used")
  func anotherName() throws {
    let folder = try TemporaryFolder()
    let tensors = InMemory.pair("base_model.model.transformer_blocks.0.attn.to_q")
    let copy = folder.path.appending("my_lora.safetensors")
    try writeSafetensors(tensors, metadata: [], to: copy, overwrite: false)
    try folder.write(Array(#"{"r": 2, "lora_alpha": 8}"#.utf8), to: "adapter_config.json")
    let file = try AdapterFile(opening: copy)
    #expect(file.scales == [1])
    #expect(file.problems == [.alphaAssumed(moduleCount: 1), .configurationNotRead])
    #expect(
      file.problems[1].description
        == "adapter_config.json beside it is not used: it describes adapter_model.safetensors; give "
        + "the file that name if it is the one that is described")
    let named = folder.path.appending("adapter_model.safetensors")
    try writeSafetensors(tensors, metadata: [], to: named, overwrite: false)
    #expect(try AdapterInput(opening: named).experts()[0].adapter.scales == [4])
    folder.remove("my_lora.safetensors")
    let input = try AdapterInput(opening: folder.path)
    #expect(input.file == named)
    #expect(try input.experts()[0].adapter.scales == [4])
  }

  @Test("nothing is written where a description lies for another file")
  func destinationWithDescription() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(#"{"r": 2, "lora_alpha": 8}"#.utf8), to: "adapter_config.json")
    let adapter = try file([]).adapter()
    let path = folder.path.appending("adapter_model.safetensors")
    let error = #expect(throws: AdapterError.self) { try adapter.write(to: path) }
    #expect(
      error?.description
        == "\(path): not written: adapter_config.json beside it would be taken for its description; "
        + "choose another name or folder")
    #expect(folder.entries == ["adapter_config.json"])
  }

  @Test("what was said of the factors before is not said of those that are written")
  func writtenHeader() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("out.safetensors")
    let adapter = try file([
      ("alpha", "8"), ("rank", "2"), ("lora_alpha", "8"), ("ss_network_dim", "2"),
      ("ss_network_alpha", "8"), ("author", "me"),
    ]).adapter()
    for dialect in ["diffusers", "comfyui", "kohya"] {
      var options = AdapterWritingOptions()
      options.form = .dialect(dialect)
      options.overwrite = true
      var known = adapter
      known.family = .named("flux1")
      try known.write(to: path, options)
      let written = try AdapterFile(opening: path)
      #expect(written.scales == [1])
      let keys = written.metadata.map(\.key).filter { $0 != "lora_adapter_metadata" }.sorted()
      #expect(
        keys.filter { $0 != "format" } == ["author", "ss_network_alpha", "ss_network_dim"])
      #expect(written.metadata("ss_network_alpha") == "\(Double(written.ranks[0]))")
      #expect(deltaError(try written.adapter(), known) <= 1e-6)
    }
  }
}

@Suite("What an adapter is a difference to")
struct AdapterBeginningTests {
  private let stem = "transformer.transformer_blocks.0.attn.to_q"

  private func problems(
    _ start: JSONValue, inHeader: Bool = true, isFlat: Bool = false
  ) -> [AdapterProblem] {
    let text = start.text()
    if isFlat {
      return InMemory.file(
        InMemory.pair(stem), metadata: [("transformer.init_lora_weights", start.string ?? text)]
      ).problems.filter { !$0.isSettledByAlpha }
    }
    let fields = #""r": 2, "lora_alpha": 2, "init_lora_weights": \#(text)"#
    guard inHeader else {
      return InMemory.file(
        InMemory.pair(stem),
        configuration: .described([
          "r": 2, "lora_alpha": 2, "init_lora_weights": start,
        ])
      ).problems
    }
    return InMemory.file(
      InMemory.pair(stem), metadata: [("lora_adapter_metadata", "{\(fields)}")]
    ).problems
  }

  @Test(
    "to what is left of the base: refused",
    arguments: [
      ("pissa", "PiSSA", BaseFactors.singularValues), ("pissa_niter_16", "PiSSA", nil),
      ("olora", "OLoRA", .firstColumns), ("OLoRA", "OLoRA", .firstColumns),
      ("corda", "CorDA", nil), ("lora_ga", "LoRA-GA", nil), ("loftq", "LoftQ", nil),
    ])
  func takenOut(start: String, method: String, factors: BaseFactors?) throws {
    let field = "init_lora_weights"
    #expect(
      problems(.string(start))
        == [
          .otherBase(
            method: method, field: field, statedBy: "lora_adapter_metadata", factors: factors)
        ])
    #expect(
      problems(.string(start), inHeader: false)
        == [
          .otherBase(
            method: method, field: field, statedBy: "adapter_config.json", factors: factors)
        ])
    #expect(
      problems(.string(start), isFlat: true)
        == [.otherBase(method: method, field: field, statedBy: "the header", factors: factors)])
    #expect(problems(.string(start))[0].isError)
  }

  @Test(
    "to the base itself",
    arguments: ["gaussian", "eva", "orthogonal", "mica", true, false, nil] as [JSONValue?])
  func own(start: JSONValue?) { #expect(problems(start ?? .null) == []) }

  @Test("to a base that isn't known: said")
  func unknown() {
    let found = problems("mystery")
    #expect(
      found == [.unknownBeginning(value: "mystery", statedBy: "lora_adapter_metadata")])
    #expect(!found[0].isError)
    #expect(
      found[0].description
        == "'init_lora_weights' in lora_adapter_metadata is 'mystery', which is not known here: where "
        + "it takes the first factors out of the base's weights, the adapter is no difference to the "
        + "model's own")
  }

  @Test("DoRA in PEFT's words is of every module")
  func partlyDoRA() {
    let (dora, plain) = (stem, "transformer.single_transformer_blocks.0.attn.to_q")
    let file = InMemory.file(
      InMemory.pair(dora) + [InMemory.tensor(dora + ".lora_magnitude_vector", [6])]
        + InMemory.pair(plain),
      configuration: .described(["r": 2, "lora_alpha": 2, "use_dora": true]))
    #expect(
      file.problems.contains(
        .badHeader(
          detail:
            "adapter_config.json: 'use_dora' says DoRA of every module, and '\(plain)' has no "
            + "magnitudes (lora_magnitude_vector): without them it is another change")))
  }

  @Test("KaSA says it in a field of its own")
  func kasa() {
    let file = InMemory.file(
      InMemory.pair(stem),
      configuration: .described(["r": 2, "lora_alpha": 2, "kasa_config": ["beta": 1]]))
    #expect(
      file.problems
        == [.otherBase(method: "KaSA", field: "kasa_config", statedBy: "adapter_config.json")])
  }
}
