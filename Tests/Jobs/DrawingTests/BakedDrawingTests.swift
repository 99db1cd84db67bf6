import Drawing
import Merging
import Rewriting
import Schedules
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("What is baked for both phases")
struct BakedDrawingTests {
  @Test(
    "draws what the adapters draw, by the same walk, from one folder", arguments: ["flux", "qwen"])
  func equalsAdapters(recording: String) throws {
    let baked = try BakedModel(recording)
    let both = try baked.bake(into: baked.model, to: "both")
    let attached = try DrawingPlan(baked.request(adapters: baked.experts))
    let plan = try DrawingPlan(baked.request(both))
    #expect(plan.walk == attached.walk)
    #expect(plan.walk.steps.map(\.modelSigma) == [1, 0.9, 0.8, 0.6, 0.3])
    #expect(plan.walk.steps.map(\.phase.name) == ["slow", "slow", "slow", "fast", "fast"])
    #expect(plan.cfg == 2.5 && attached.cfg == 2.5)
    #expect(plan.guidance == attached.guidance)
    #expect(plan.guidance == (recording == "flux" ? 3 : nil))
    #expect(plan.passesPerPicture == 10 && attached.passesPerPicture == 10)
    #expect(plan.notes == [])
    #expect(plan.adapters.isEmpty)
    #expect(plan.transformers.map(\.phase) == [.slow, .fast])
    #expect(plan.transformers.map(\.bakedPhase) == ["slow", "fast"])
    #expect(plan.transformers.map(\.name) == ["slow", "fast"])
    let expected = try baked.latent(baked.request(adapters: baked.experts))
    let found = try baked.latent(baked.request(both))
    #expect(relativeError(found, expected) <= BakedModel.rounding)
    // Neither expert alone, nor no expert, is as near.
    for lone in ["slow", "fast"] {
      let other = try baked.latent(baked.request(both.appending(lone)))
      #expect(relativeError(other, expected) > 1000 * BakedModel.rounding)
    }
  }

  @Test("draws the same bits however it is stored and named")
  func forms() throws {
    let baked = try BakedModel("flux")
    let both = try baked.bake(into: baked.model, to: "both")
    let expected = try baked.latent(baked.request(both))
    func expectSame(_ transformers: [DrawingRequest.TransformerRequest], model: FilePath? = nil)
      throws
    {
      let request = baked.request(model, transformers: transformers)
      #expect(try baked.latent(request) == expected, "\(transformers.map(\.file))")
    }
    let (slow, fast) = (both.appending("slow"), both.appending("fast"))
    try expectSame([
      .init(file: slow.appending("transformer"), phase: "slow"),
      .init(file: fast.appending("transformer"), phase: "fast"),
    ])
    try expectSame([.init(file: fast), .init(file: slow)])
    try expectSame([.init(file: both)])
    try expectSame([.init(file: both, phase: "slow"), .init(file: fast)])
    try expectSame([.init(file: fast)] + [.init(file: slow)])
    try expectSame([.init(file: fast, phase: "fast")], model: slow)
    let component = try baked.bake(into: baked.transformer, to: "component")
    try expectSame([.init(file: component)])
    let files = try baked.bake(into: baked.transformerFile, to: "files")
    #expect(TemporaryFolder.names(in: files) == ["fast.safetensors", "slow.safetensors"])
    try expectSame([.init(file: files)])
    try expectSame([
      .init(file: try baked.bake(into: baked.transformerFile, to: "whole", isWhole: true))
    ])
    try expectSame([
      .init(file: try baked.bake(into: baked.model, to: "packed") { $0.form.isCompressed = true })
    ])
  }

  @Test("draws by its schedule at another size, computed anew as the adapters' is")
  func otherSize() throws {
    let baked = try BakedModel("flux")
    try baked.declare([
      ("glance.teacher_steps", "50"), ("glance.indices", "0,2,4|10,49"),
      ("glance.image_seq_len", "4096"),
    ])
    let both = try baked.bake(into: baked.model, to: "both")
    let attached = try DrawingPlan(baked.request(adapters: baked.experts))
    let plan = try DrawingPlan(baked.request(both))
    #expect(plan.notes == ["the declared schedule is computed anew for this size"])
    #expect(plan.notes == attached.notes)
    #expect(plan.schedule == attached.schedule)
    #expect(plan.schedule.entries.map(\.teacherStep) == [0, 2, 4, 10, 49])
  }

  @Test("draws with a style on both phases")
  func style() throws {
    let baked = try BakedModel("flux")
    let both = try baked.bake(into: baked.model, to: "both")
    let style = try baked.folder.adapter("style.safetensors")
    let expected = try baked.latent(baked.request(adapters: baked.experts + [style]))
    let found = try baked.latent(baked.request(both, adapters: [style]))
    #expect(relativeError(found, expected) <= BakedModel.rounding)
    #expect(
      try relativeError(found, baked.latent(baked.request(both))) > 1000 * BakedModel.rounding)
  }

  @Test("takes another schedule of its phases, and none without them")
  func schedules() throws {
    let baked = try BakedModel("flux")
    let both = try baked.bake(into: baked.model, to: "both")
    var request = baked.request(both)
    request.schedule = "1|0.5"
    let plan = try DrawingPlan(request)
    #expect(plan.walk.steps.map(\.modelSigma) == [1, 0.5])
    #expect(plan.guidance == 3)
    request.schedule = "slow=1,0.5"
    #expect(
      try DrawingPlan(request).notes == [
        "\(both)/fast: its phase 'fast' has no step in this schedule (slow): it is not used"
      ])
    request.schedule = "teacher:2"
    let error = #expect(throws: TransformerError.self) { try DrawingPlan(request) }
    #expect(
      error?.description
        == "no transformer for phase 'single' of this schedule (single), found 'slow' "
        + "(--transformer \(both)/slow), 'fast' (--transformer \(both)/fast); give --transformer "
        + "single=FILE, or a --schedule with phases that have one")
  }
}
