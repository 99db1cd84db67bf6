import Adapters
import Checkpoints
import JSON
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Phase and schedule of a baked checkpoint")
struct BakedHeaderTests {
  private let folder: TemporaryFolder
  private let plain: FilePath
  private let slow: [MergedAdapter]
  private let fast: [MergedAdapter]

  init() throws {
    folder = try TemporaryFolder()
    let model = SmallModel(.flux)
    plain = try model.write(to: folder.path.appending("base.safetensors"))
    (slow, fast) = (
      try Self.adapters("slow", model, folder), try Self.adapters("fast", model, folder)
    )
  }

  private static func adapters(
    _ phase: String, _ model: SmallModel, _ folder: TemporaryFolder
  ) throws -> [MergedAdapter] {
    let file = folder.path.appending("\(phase).st")
    _ = try SmallAdapters(model: model).peft(to: file)
    var adapter = try Adapter(opening: file)
    adapter.metadata = [("glance.phase", phase), ("glance.sigmas", "1.0,0.9|0.5")]
    var options = AdapterWritingOptions()
    options.overwrite = true
    try adapter.write(to: file, options)
    return try MergedAdapter.adapters(in: file, phase: nil, strength: 1, isPartial: false).adapters
  }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  private func bake(
    _ base: FilePath, to name: String, _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> [FilePath] {
    var request = BakeRequest(base: base, output: path(name), adapters: [])
    change(&request)
    return try BothPhases(request, phases: [("slow", slow), ("fast", fast)], isWhole: false)
      .write { _ in { _ in } }.map(\.output)
  }

  private func declared(_ path: FilePath) throws -> String {
    let expert = try BakedExpert(opening: path)
    return "\(expert.declared.phase ?? "-") \(expert.declared.sigmas ?? "-")"
  }

  private let expected = ["slow 1.0,0.9|0.5", "fast 1.0,0.9|0.5"]

  @Test("are in every container: a file and a difference, a compressed file, GGUF")
  func containers() throws {
    let files = try bake(plain, to: "files")
    #expect(
      try files.map { try TensorSource(openingAny: $0).container } == [.safetensors, .delta])
    #expect(try files.map(declared) == expected)
    #expect(try bake(plain, to: "packed") { $0.form.isCompressed = true }.map(declared) == expected)
    let blocks = try bake(plain, to: "gguf") { $0.form.gguf = "q8_0" }
    #expect(try blocks.map { try TensorSource(openingAny: $0).container } == [.gguf, .gguf])
    #expect(try blocks.map(declared) == expected)
    // And stay there when it is written anew.
    let whole = path("whole.safetensors")
    _ = try RewritingPlan(RewritingRequest(input: blocks[1], output: whole)).write { _ in }
    #expect(try declared(whole) == "fast 1.0,0.9|0.5")
  }

  @Test("are in the shard of one phase, and not in the one that two share")
  func shards() throws {
    let shards = try BakeReferenceTests.base(.sharded, plain, folder)
    let outputs = try bake(shards, to: "folders")
    #expect(try outputs.map(declared) == expected)
    for output in outputs {
      let name = "diffusion_pytorch_model-0000"
      let (shared, own) = (
        try SafetensorsFile(opening: output.appending(name + "1-of-00002.safetensors")).metadata,
        try SafetensorsFile(opening: output.appending(name + "2-of-00002.safetensors")).metadata
      )
      #expect(!shared.contains { $0.key.hasPrefix("glance.") })
      #expect(own.contains { $0.key == "glance.phase" })
    }
  }

  @Test("are kept when a style is merged on top, and replaced by another expert, with a note")
  func onTop() throws {
    let baked = try bake(plain, to: "files")[0]
    let style = MergedAdapter(
      file: slow[0].file,
      adapter: {
        var adapter = slow[0].adapter
        adapter.metadata = []
        return adapter
      }(), phase: nil, strength: 0.5)
    let styled = try Bake(
      BakeRequest(base: baked, output: path("styled.safetensors"), adapters: [style]))
    #expect(styled.plan.notes == [])
    #expect(try declared(styled.write { _ in }.output) == "slow 1.0,0.9|0.5")
    let again = try Bake(
      BakeRequest(base: baked, output: path("again.safetensors"), adapters: fast))
    #expect(
      again.plan.notes == [
        "\(baked): has the expert for phase 'slow' baked in, and this adds one for 'fast'"
      ])
    #expect(try declared(again.write { _ in }.output) == "fast 1.0,0.9|0.5")
    // The shard that two share must say nothing of the base's phase either.
    let component = try bake(
      BakeReferenceTests.base(.sharded, baked, folder), to: "over")
    #expect(try component.map(declared) == expected)
  }

  @Test("and what an earlier merge said are read from GGUF too")
  func onTopOfGGUF() throws {
    let baked = try bake(plain, to: "gguf") { $0.form.gguf = "q8_0" }[0]
    var request = BakeRequest(base: baked, output: path("again.gguf"), adapters: fast)
    request.form.gguf = "auto"
    let output = try Bake(request).write { _ in }.output
    #expect(try declared(output) == "fast 1.0,0.9|0.5")
    let texts = try #require(
      TensorSource(openingAny: output).metadata["glance.metadata"])
    let earlier = try JSONValue(
      parsing: JSONValue(parsing: texts)["glance.merged_earlier"]?.string ?? "")
    let merged = try JSONValue(parsing: earlier["glance.merged"]?.string ?? "")
    #expect(merged.array?.map { $0["file"]?.string } == ["slow.st"])
  }

  @Test("of adapters that declare different ones are said to differ")
  func different() {
    var other = fast[0].adapter
    other.metadata = [("glance.phase", "fast"), ("glance.sigmas", "1.0|0.5")]
    let merged = MergedAdapter(
      file: fast[0].file, adapter: other, phase: "fast", strength: 1, declaredPhase: "fast")
    #expect(
      MergedAdapter.cautions(on: slow + [merged]) == [
        "\(fast[0].file): declares another schedule than \(slow[0].file), so that glance-sample "
          + "needs --schedule for what is merged"
      ])
    #expect(MergedAdapter.cautions(on: slow + fast) == [])
  }
}
