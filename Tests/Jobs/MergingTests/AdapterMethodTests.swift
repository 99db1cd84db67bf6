import Adapters
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Methods beside LoRA, baked")
struct AdapterMethodTests {
  /// Adapters and what LyCORIS 4.1.3 or PEFT 0.21.2 make of them; `tools/record-adapter-methods`.
  static let names = [
    "lokr-fused", "lokr-rows", "lora-columns", "lora-rows", "loha-halves", "peft-bias", "peft-dora",
    "peft-lokr", "peft-whole",
  ]

  @Test("are what their own libraries apply", arguments: names)
  func baked(name: String) throws {
    let found = try Self.changes(of: name)
    let expected = try SafetensorsFile(opening: Self.fixture(name + "-change"))
    #expect(found.keys.sorted() == expected.tensors.map(\.name).sorted())
    for tensor in expected.tensors {
      let change = try #require(found[tensor.name])
      // Sums in float32 of weights below 1 and changes of a hundredth of them: 2^-24 / 1e-2.
      #expect(relativeError(change, tensor.floats()) < 1e-5, "\(tensor.name)")
    }
  }

  /// A strength takes the base that much of the way, as ComfyUI's loaders do.
  @Test("a strength scales the whole change", arguments: names, [-1, 0.5])
  func strength(name: String, strength: Double) throws {
    let expected = try SafetensorsFile(opening: Self.fixture(name + "-change"))
    let found = try Self.changes(of: name, strength: strength)
    for tensor in expected.tensors {
      let change = try #require(found[tensor.name])
      let wanted = tensor.floats().map { $0 * Float(strength) }
      #expect(relativeError(change, wanted) < 2e-5, "\(tensor.name)")
    }
  }

  @Test("a base in another layout changes alike", arguments: names)
  func layouts(name: String) throws {
    let plain = try Self.changes(of: name)
    let published = try Self.changes(of: name, layout: "bfl")
    for (parameter, change) in plain {
      #expect(published[parameter] == change, "\(parameter)")
    }
    #expect(published.count == plain.count)
  }

  @Test("those that are LoRAs exactly are read as such", arguments: ["lokr-fused", "loha-halves"])
  func lowRank(name: String) throws {
    let adapter = try Adapter(opening: Self.fixture(name))
    #expect(adapter.changes.isEmpty)
    let expected = try SafetensorsFile(opening: Self.fixture(name + "-change"))
    #expect(
      adapter.modules.map { $0.path + ".weight" }.sorted()
        == expected.tensors.map(\.name).sorted())
    for module in adapter.modules {
      let (up, down, columns) = (module.up.floats(), module.down.floats(), module.inFeatures)
      let product = (0..<module.outFeatures * columns).map { place in
        let (row, column) = place.quotientAndRemainder(dividingBy: columns)
        let sum = (0..<module.rank).reduce(0.0) {
          $0 + Double(up[row * module.rank + $1]) * Double(down[$1 * columns + column])
        }
        return Float(module.scale * sum)
      }
      let wanted = try expected.tensor(named: module.path + ".weight").floats()
      #expect(relativeError(product, wanted) < 1e-6)
    }
  }

  /// Lengths are those of the weight, and none of its bias.
  @Test func aBiasBesideLengthsIsAddedAsItIs() throws {
    var merged = try Self.adapters("lora-columns", strength: 1)[0].adapter
    let bias = TensorView(
      name: "bias", shape: [288], (0..<288).map { Float($0 - 144) / 1024 })
    let names = ["q", "k", "v"].map { "transformer_blocks.0.attn.to_\($0)" }
    merged.changes += names.enumerated().map { index, path in
      ParameterChange(
        path: path, name: merged.changes[0].name, parameter: .bias, method: "full differences",
        values: .difference(bias), rows: [index * 96..<(index + 1) * 96])
    }
    let found = try Self.changes(
      [MergedAdapter(file: Self.fixture("lora-columns"), adapter: merged, phase: nil, strength: 1)],
      layout: nil)
    let expected = try SafetensorsFile(opening: Self.fixture("lora-columns-change"))
    for (index, path) in names.enumerated() {
      let weight = try #require(found[path + ".weight"])
      #expect(
        relativeError(weight, try expected.tensor(named: path + ".weight").floats()) < 1e-5)
      let own = Array(bias.floats()[index * 96..<(index + 1) * 96])
      // The sum of two floats below 1, rounded once.
      #expect(relativeError(try #require(found[path + ".bias"]), own) < 1e-6)
    }
    #expect(found.count == 6)
  }

  @Test func aPhaseMayChangeABiasThatTheOtherLeaves() throws {
    let folder = try TemporaryFolder()
    let request = BakeRequest(
      base: Self.base, output: folder.path.appending("pair"), adapters: [])
    let bakes = try BothPhases(
      request,
      phases: [
        ("slow", try Self.adapters("peft-bias", strength: 1)),
        ("fast", try Self.adapters("lokr-fused", strength: 1)),
      ], isWhole: true)
    let results = try bakes.write { _ in { _ in } }
    // In the order of the base's tensors.
    let path = "transformer_blocks.1.attn.to_out.0"
    #expect(results[0].modules.map(\.module) == [path + ".bias", path])
    #expect(
      results[1].modules.map(\.module)
        == ["k", "q", "v"].map { "transformer_blocks.0.attn.to_\($0)" })
  }

  // MARK: Helpers

  private static let base = Fixtures.model("tiny-flux").appending(
    "transformer/diffusion_pytorch_model.safetensors")

  private static func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("methods/\(name).safetensors")
  }

  private static func adapters(_ name: String, strength: Double) throws -> [MergedAdapter] {
    try MergedAdapter.adapters(
      in: fixture(name), phase: nil, strength: strength, isPartial: false,
      otherMethods: .asTheyAre
    ).adapters
  }

  /// What a bake in float32 changes, by canonical parameter.
  private static func changes(
    of name: String, strength: Double = 1, layout: String? = nil
  ) throws -> [String: [Float]] {
    try changes(adapters(name, strength: strength), layout: layout)
  }

  private static func changes(
    _ adapters: [MergedAdapter], layout: String?
  ) throws -> [String: [Float]] {
    let folder = try TemporaryFolder()
    var base = base
    if let layout {
      base = folder.path.appending("base.safetensors")
      try convert(Self.base, to: base, layout: layout)
    }
    let merged = folder.path.appending("merged.safetensors")
    var request = BakeRequest(
      base: base, output: merged, adapters: adapters)
    request.form.dtype = .f32
    _ = try Bake(request).write { _ in }
    var output = merged
    if layout != nil {
      output = folder.path.appending("canonical.safetensors")
      try convert(merged, to: output, layout: "diffusers")
    }
    let (before, after) = (
      try SafetensorsFile(opening: Self.base), try SafetensorsFile(opening: output)
    )
    var found: [String: [Float]] = [:]
    for tensor in before.tensors {
      let change = zip(try after.tensor(named: tensor.name).floats(), tensor.floats()).map(-)
      if change.contains(where: { $0 != 0 }) { found[tensor.name] = change }
    }
    return found
  }

  private static func convert(_ input: FilePath, to output: FilePath, layout: String) throws {
    var request = RewritingRequest(input: input, output: output)
    request.layout = layout
    _ = try RewritingPlan(request).write { _ in }
  }
}
