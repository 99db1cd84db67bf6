import Drawing
import Schedules
import SystemPackage
import TestSupport
import Testing

@Suite("Baked experts that don't go together")
struct BakedRefusalTests {
  private let baked: BakedModel
  private let both: FilePath

  init() throws {
    baked = try BakedModel("flux")
    both = try baked.bake(into: baked.model, to: "both")
  }

  private func refusal(_ request: DrawingRequest) -> String? {
    let error = #expect(throws: (any Error).self) { try DrawingPlan(request) }
    return error.map { "\($0)" }
  }

  @Test("are refused: only one, two of one phase, one of no phase")
  func phases() throws {
    let (slow, fast) = (both.appending("slow"), both.appending("fast"))
    #expect(
      refusal(baked.request(transformers: [.init(file: slow, phase: "slow")]))
        == "no transformer for phase 'fast' of this schedule (slow, fast), found 'slow' "
        + "(--transformer slow=\(slow)); give --transformer fast=FILE, or a --schedule with phases "
        + "that have one")
    #expect(
      refusal(baked.request(transformers: [.init(file: slow), .init(file: slow)]))
        == "\(slow), \(slow): all serve phase 'slow', expected one transformer for each phase; say "
        + "which serves which: slow=FILE fast=FILE")
    #expect(
      refusal(baked.request(transformers: [.init(file: slow), .init(file: baked.model)]))
        == "--transformer \(baked.model): declares no phase, and several transformers are one for "
        + "each phase; say it: slow=\(baked.model)")
    #expect(
      refusal(
        baked.request(transformers: [
          .init(file: slow), .init(file: fast), .init(file: slow, phase: "slwo"),
        ])) == "--transformer slwo=\(slow): expected a phase of this schedule (slow, fast)")
  }

  @Test("are refused: a folder with one, without a model around it, or with a third")
  func folders() throws {
    let files = try baked.bake(into: baked.transformerFile, to: "files", isWhole: true)
    #expect(
      refusal(baked.request(files))
        == "\(files): baked transformers without the model's other components; give the model's "
        + "folder: --model MODEL --transformer \(files)")
    #expect(
      refusal(baked.request(both, transformers: [.init(file: files)]))
        == "\(both): holds a transformer for each phase, and --transformer names another; leave it "
        + "out, or give the model's own folder")
    baked.folder.remove("files/fast.safetensors")
    #expect(
      refusal(baked.request(transformers: [.init(file: files)]))
        == "\(files): expected a baked expert for each phase, found \(files)/slow.safetensors and "
        + "none for 'fast'; bake it with glance-merge --phase both, or name one for each phase: "
        + "--transformer slow=FILE --transformer fast=FILE")
    try baked.folder.link("files/fast.safetensors", to: baked.transformerFile.string)
    #expect(
      refusal(baked.request(transformers: [.init(file: files)]))
        == "\(files)/fast.safetensors: expected a transformer that declares its phase "
        + "('glance.phase'), as glance-merge --phase both writes it, found one that doesn't; bake "
        + "it again, or say it: --transformer slow=FILE --transformer fast=FILE")
  }

  @Test("are refused: another family than the model's")
  func families() throws {
    let qwen = Fixtures.model("tiny-qwen-image")
    #expect(
      refusal(baked.request(qwen, transformers: [.init(file: both)]))
        == "\(both)/slow: a transformer of FLUX.1, but \(qwen) is Qwen-Image")
    #expect(
      refusal(
        baked.request(transformers: [
          .init(file: both.appending("slow")), .init(file: qwen, phase: "fast"),
        ])) == "\(qwen): a transformer of Qwen-Image, but \(baked.model) is FLUX.1")
  }

  @Test("are refused: experts again as adapters, on a baked expert of their phase or another")
  func adapters() throws {
    #expect(
      refusal(baked.request(both, adapters: [baked.experts[0]]))
        == "\(baked.experts[0]): an expert for phase 'slow', whose steps are taken by \(both)/slow, "
        + "which has the expert for 'slow' baked in; leave one of them out")
    #expect(
      refusal(baked.request(both.appending("slow"), adapters: [baked.experts[1]]))
        == "\(baked.experts[1]): an expert for phase 'fast', whose steps are taken by the model's "
        + "own transformer, which has the expert for 'slow' baked in; leave one of them out")
  }

  @Test("are refused: other schedules, unless one is chosen")
  func schedules() throws {
    let mixed = try BakedModel("flux", schedules: ["1.0,0.9|0.5", "1.0,0.9|0.4"])
    let both = try mixed.bake(into: mixed.model, to: "both")
    #expect(
      refusal(mixed.request(both))
        == "\(both)/fast: declares another schedule than \(both)/slow; choose one with --schedule")
    var request = mixed.request(both)
    request.schedule = "1.0,0.9|0.5"
    #expect(try DrawingPlan(request).schedule.text == "1.0,0.9|0.5")
    // As it is for adapters that are not baked.
    request = mixed.request(adapters: mixed.experts)
    #expect(
      refusal(request)
        == "\(mixed.experts[1]): declares another schedule than \(mixed.experts[0]); choose one "
        + "with --schedule")
    request.schedule = "1.0,0.9|0.5"
    #expect(try DrawingPlan(request).schedule.text == "1.0,0.9|0.5")
  }

  @Test("are refused: other bases")
  func bases() throws {
    let first = both.appending("slow")
    let again = try baked.bake(into: first.appending("transformer"), to: "again")
    let error = refusal(
      baked.request(transformers: [
        .init(file: first), .init(file: again.appending("fast"), phase: "fast"),
      ]))
    let text = try #require(error)
    #expect(
      text.hasPrefix("\(again)/fast: baked into transformer (140 tensors, 5391360 bytes, xxh3 "))
    #expect(
      text.hasSuffix(
        "), but \(first) into tiny-flux (140 tensors, 2695680 bytes, xxh3 66fea43dce6bd811); bake "
          + "both into one base"))
  }
}
