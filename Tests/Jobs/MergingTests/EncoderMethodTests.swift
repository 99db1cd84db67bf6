import Adapters
import Checkpoints
import Elements
import Files
import Merging
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// `tools/record-adapter-methods`: LoKr and DoRA of CLIP and a LoHa of T5, and what LyCORIS 4.1.3 makes of them.
@Suite("Text encoders changed by methods beside LoRA")
struct EncoderMethodTests {
  private static let model = Fixtures.model("tiny-flux")

  private static func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("methods/\(name).safetensors")
  }

  private static func adapters(
    strength: Double = 1, _ way: AdapterReadingOptions.OtherMethods = .asTheyAre
  ) throws -> [MergedAdapter] {
    try MergedAdapter.adapters(
      in: fixture("encoders"), phase: nil, strength: strength, includesTextEncoders: true,
      isPartial: false, otherMethods: way
    ).adapters
  }

  /// What is recorded, with the component and the parameter that it is of.
  private static func changes() throws -> [(
    component: String, parameter: String, values: [Float]
  )] {
    try SafetensorsFile(opening: fixture("encoders-change")).tensors.map { tensor in
      let parts = tensor.name.split(separator: ".", maxSplits: 1).map(String.init)
      return (parts[0], parts[1], tensor.floats())
    }
  }

  @Test(
    "are what the library applies, times the strength",
    arguments: [1, -0.5], [AdapterReadingOptions.OtherMethods.asTheyAre, .asLoRAOrAsTheyAre])
  func merged(strength: Double, way: AdapterReadingOptions.OtherMethods) throws {
    let adapters = try Self.adapters(strength: strength, way)
    let recorded = try Self.changes()
    #expect(
      recorded.map(\.component).sorted() == ["text_encoder", "text_encoder", "text_encoder_2"])
    for (component, parameter, values) in recorded {
      let opened = try PipelineFolder(opening: Self.model).open(component)
      let before = try #require(opened.source.find(parameter)).floats()
      let stored = try opened.parameters(merging: adapters, ofEncoder: component)
      let after = try #require(stored[parameter]).floats()
      let wanted = values.map { $0 * Float(strength) }
      // Sums in float32 of weights below 1 and changes of a hundredth of them: 2^-24 / 1e-2.
      #expect(relativeError(zip(after, before).map { $0 - $1 }, wanted) < 1e-5, "\(parameter)")
    }
  }

  @Test("are baked into a pipeline's folder, and nothing else is")
  func baked() throws {
    let folder = try TemporaryFolder()
    let output = folder.path.appending("baked")
    let result = try Bake(
      BakeRequest(base: Self.model, output: output, adapters: Self.adapters())
    ).write { _ in }
    let recorded = try Self.changes()
    let names = recorded.map { "\($0.component).\($0.parameter)" }
    #expect(result.modules.map { $0.module + ".weight" }.sorted() == names.sorted())
    for component in ["text_encoder", "text_encoder_2"] {
      let (own, other) = (
        try PipelineFolder(opening: output).open(component).source,
        try PipelineFolder(opening: Self.model).open(component).source
      )
      for view in other.tensors {
        let found = try #require(own.find(view.name))
        #expect(found.dtype == view.dtype)
        let before = view.floats()
        let change = recorded.first { $0.component == component && $0.parameter == view.name }
        guard let change else {
          #expect(found.floats() == before, "\(view.name)")
          continue
        }
        let sums = zip(before, change.values).map { $0 + $1 }
        let wanted = TensorView(name: view.name, shape: view.shape, sums).cast(to: view.dtype)
        // Sums that lie between two numbers of the type may be rounded to either.
        let differing = zip(found.floats(), wanted.floats()).count { $0 != $1 }
        #expect(differing <= before.count / 200, "\(view.name)")
      }
    }
  }

  @Test("are judged where something must survive, and leave nothing where it doesn't")
  func survival() throws {
    let folder = try TemporaryFolder()
    let output = folder.path.appending("weak")
    var request = BakeRequest(
      base: Self.model, output: output, adapters: try Self.adapters(strength: 1e-4))
    request.minimumSurvival = 0.99
    expectRefusal(MergeError.self, saying: "less than --min-survival 0.99") {
      try Bake(request).write { _ in }
    }
    #expect(!output.isFolder)
  }

  @Test("are no phases of a transformer")
  func phases() throws {
    let folder = try TemporaryFolder()
    let request = BakeRequest(
      base: Self.model, output: folder.path.appending("both"), adapters: [])
    expectRefusal(
      MergeError.self,
      saying:
        "phases are those of a transformer, and no adapter changes it: what is done to text encoders "
        + "is merged for all steps at once"
    ) {
      try BothPhases(
        request, phases: [("slow", Self.adapters()), ("fast", Self.adapters())], isWhole: false)
    }
  }

  @Test("are merged alone where nothing of the transformer has its place, if that is asked for")
  func partial() throws {
    let folder = try TemporaryFolder()
    var adapters = try Self.adapters()
    var adapter = adapters[0].adapter
    adapter.modules = [
      AdapterModule(
        path: "transformer_blocks.90.attn.to_q",
        down: TensorView(name: "down", shape: [1, 96], [Float](repeating: 1, count: 96)),
        up: TensorView(name: "up", shape: [96, 1], [Float](repeating: 1, count: 96)))
    ]
    adapters = [
      MergedAdapter(file: adapters[0].file, adapter: adapter, phase: nil, strength: 1)
    ]
    var request = BakeRequest(
      base: Self.model, output: folder.path.appending("rest"), adapters: adapters)
    expectRefusal(MergeError.self, saying: "--partial merges the others") { try Bake(request) }
    request.isPartial = true
    let bake = try Bake(request)
    #expect(bake.leftOut == ["transformer_blocks.90.attn.to_q"])
    #expect(bake.modules.count == 3)
  }

  @Test("are no adapter without effect")
  func cautions() throws {
    #expect(try MergedAdapter.cautions(on: Self.adapters()) == [])
  }

  /// A file that says nothing of the transformer is an adapter of a pipeline all the same.
  @Test("are named where the transformer alone is merged")
  func aloneIsRefused() throws {
    expectRefusal(
      AdapterError.self,
      saying: "no adapter module is there for the transformer, only 3 for text encoders: "
        + "converting, drawing and a bake of a pipeline's folder into another take them"
    ) { try Adapter(opening: Self.fixture("encoders")) }
  }

  @Test("are refused where a change is not a weight's shape")
  func misfits() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("odd.safetensors")
    let stem = "lora_te1_text_model_encoder_layers_0_mlp_fc2"
    try writeSafetensors(
      [TensorView(name: stem + ".diff_b", shape: [63], [Float](repeating: 1, count: 63))], to: path,
      overwrite: false)
    let adapters = try MergedAdapter.adapters(
      in: path, phase: nil, strength: 1, includesTextEncoders: true, isPartial: false,
      otherMethods: .asTheyAre
    ).adapters
    expectRefusal(
      MergeError.self, saying: "text_model.encoder.layers.0.mlp.fc2.bias"
    ) {
      try Bake(
        BakeRequest(
          base: Self.model, output: folder.path.appending("never"), adapters: adapters))
    }
  }

  @Test("biases are changed by their differences")
  func biases() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("bias.safetensors")
    let module = "text_model.encoder.layers.0.mlp.fc2"
    let values = (0..<64).map { Float($0 - 32) / 64 }
    try writeSafetensors(
      [TensorView(name: "text_encoders.clip_l.transformer.\(module).diff_b", shape: [64], values)],
      to: path, overwrite: false)
    let adapters = try MergedAdapter.adapters(
      in: path, phase: nil, strength: 0.5, includesTextEncoders: true, isPartial: false,
      otherMethods: .asTheyAre
    ).adapters
    let opened = try PipelineFolder(opening: Self.model).open("text_encoder")
    let before = try #require(opened.source.find(module + ".bias")).floats()
    let stored = try opened.parameters(merging: adapters, ofEncoder: "text_encoder")
    let after = try #require(stored[module + ".bias"]).floats()
    #expect(after == zip(before, values).map { Float(Double($0) + 0.5 * Double($1)) })
  }
}
