import Drawing
import Schedules
import SystemPackage
import TestSupport
import Testing

@Suite("One baked expert")
struct LoneExpertTests {
  private let baked: BakedModel
  private let both: FilePath

  init() throws {
    baked = try BakedModel("flux")
    both = try baked.bake(into: baked.model, to: "both")
  }

  @Test("takes all steps by its own schedule, and says for which it is and what is missing")
  func alone() throws {
    let plan = try DrawingPlan(baked.request(both.appending("slow")))
    #expect(plan.schedule.text == BakedModel.schedule)
    #expect(plan.transformers.map(\.phase) == [nil])
    #expect(plan.transformers.map(\.bakedPhase) == ["slow"])
    #expect(
      plan.notes == [
        "\(both)/slow: the expert for phase 'slow' is baked in, and it takes the steps of 'fast' "
          + "too, for which it wasn't made; --model \(both) draws with both"
      ])
    let file = both.appending("fast").appending("transformer")
    var request = baked.request(transformers: [.init(file: file)])
    #expect(
      try DrawingPlan(request).notes == [
        "\(file): the expert for phase 'fast' is baked in, and it takes the steps of 'slow' too, "
          + "for which it wasn't made; give both: --transformer fast=\(file) --transformer slow=FILE"
      ])
    let files = try baked.bake(into: baked.transformerFile, to: "files")
    let single = files.appending("slow.safetensors")
    #expect(
      try DrawingPlan(baked.request(transformers: [.init(file: single)])).notes == [
        "\(single): the expert for phase 'slow' is baked in, and it takes the steps of 'fast' too, "
          + "for which it wasn't made; --transformer \(files) draws with both"
      ])
    request.schedule = "teacher:2"
    #expect(
      try DrawingPlan(request).notes == [
        "\(file): the expert for phase 'fast' is baked in, and it takes every step, of 'single', "
          + "for which it wasn't made; a --schedule with a phase 'fast' gives it the steps that it was "
          + "made for"
      ])
    request.schedule = "fast=1,0.5"
    #expect(try DrawingPlan(request).notes == [])
  }

  @Test("serves another phase than its own when asked to, with a note, or beside the plain model")
  func asked() throws {
    let slow = both.appending("slow")
    let plan = try DrawingPlan(
      baked.request(transformers: [
        .init(file: slow, phase: "fast"), .init(file: baked.model, phase: "slow"),
      ]))
    #expect(plan.notes == ["\(slow): made for phase 'slow', serves 'fast' as asked"])
    #expect(plan.transformers.map(\.phase) == [.fast, .slow])
    #expect(plan.transformers.map(\.bakedPhase) == ["slow", nil])
    let found = try baked.latent(
      baked.request(transformers: [
        .init(file: slow, phase: "slow"), .init(file: baked.model, phase: "fast"),
      ]))
    let expected = try baked.latent(baked.request(adapters: [baked.experts[0]]))
    #expect(relativeError(found, expected) <= BakedModel.rounding)
  }
}
