import Adapters
import Checkpoints
import Compute
import Drawing
import Failures
import JSON
import Schedules
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("An adapter in a plan")
struct AppliedAdapterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func plan(
    _ adapters: [DrawingRequest.AdapterRequest], model: String = "tiny-flux",
    schedule: String = "slow=1|fast=0.5"
  ) throws -> DrawingPlan {
    var request = smallRequest(model)
    request.schedule = schedule
    request.adapters = adapters
    return try DrawingPlan(request)
  }

  private func applied(_ plan: DrawingPlan) -> [String] {
    plan.adapters.map {
      "\($0.file.lastComponent?.string ?? "") \($0.strength) \($0.phase?.name ?? "all")"
    }
  }

  @Test("is applied in the phase that its file declares, or in all")
  func phases() throws {
    let slow = try folder.adapter("slow.safetensors", phase: "slow")
    let style = try folder.adapter("style.safetensors")
    let plan = try plan([.init(file: slow), .init(file: style, strength: 0.5)])
    #expect(applied(plan) == ["slow.safetensors 1.0 slow", "style.safetensors 0.5 all"])
    #expect(plan.notes == [])
    #expect(plan.adapters.serving(.slow).map(\.strength) == [1, 0.5])
    #expect(plan.adapters.serving(.fast).map(\.strength) == [0.5])
  }

  @Test("whose phase has no step is left out, and said")
  func idle() throws {
    let slow = try folder.adapter("slow.safetensors", phase: "slow")
    let plan = try plan([.init(file: slow, strength: 1.5)], schedule: "teacher:2")
    #expect(applied(plan) == [])
    #expect(
      plan.notes == [
        "\(slow): its phase 'slow' has no step in this schedule (single): it is not used"
      ])
  }

  @Test(
    "asked for in a phase that there isn't is refused", arguments: ["slwo", "single", "a b", ""])
  func misspelt(phase: String) throws {
    let slow = try folder.adapter("slow.safetensors", phase: "slow")
    let error = #expect(throws: DrawingError.self) { try plan([.init(file: slow, phase: phase)]) }
    #expect(
      error?.description
        == "--adapter \(phase)=\(slow): expected a phase of this schedule (slow, fast), found "
        + "'\(phase)'")
    #expect(error?.failureKind == .usage)
  }

  @Test("that is asked to serve another phase than its own does, with a note")
  func contradiction() throws {
    let fast = try folder.adapter("fast.safetensors", phase: "fast")
    let plan = try plan([.init(file: fast, phase: "slow")])
    #expect(applied(plan) == ["fast.safetensors 1.0 slow"])
    #expect(
      plan.notes == [
        "\(fast): made for phase 'fast', serves 'slow' as asked",
        "no adapter for phase 'fast': the base model takes its steps alone",
      ])
  }

  @Test("given twice, or far too strong, is noted")
  func odd() throws {
    let file = try folder.adapter("a.safetensors")
    let other = try folder.adapter("b.safetensors")
    let twice = try plan([
      .init(file: file), .init(file: other), .init(file: folder.path.appending("./a.safetensors")),
    ])
    #expect(
      twice.notes == [
        "\(folder.path)/./a.safetensors: given twice for the same steps; the strengths add up"
      ])
    let apart = try plan([.init(file: file, phase: "slow"), .init(file: file, phase: "fast")])
    #expect(apart.notes == [])
    let strong = try plan([.init(file: file, strength: 1e9)])
    #expect(
      strong.notes == [
        "\(file): strength 1000000000 is far beyond what adapters are made for (mostly 0 to 2)"
      ])
    var strongInPart = DrawingRequest.AdapterRequest(file: file, strength: 2)
    strongInPart.blocks = try BlockStrengths([("single_blocks.0", 1), ("attn.to_q", -20)])
    #expect(
      try plan([strongInPart]).notes == [
        "\(file): strength -40 of 'attn.to_q' is far beyond what adapters are made for (mostly 0 to 2)"
      ])
  }

  @Test("with strengths by block has them in its scales")
  func blocks() throws {
    let file = try folder.adapter("a.safetensors")
    var weak = DrawingRequest.AdapterRequest(file: file, strength: 2)
    weak.blocks = try BlockStrengths([("single_blocks.0", 0.25)])
    let found = try plan([weak])
    #expect(found.adapters.map { "\($0.blocks)" } == ["single_blocks.0=0.25"])
    let recorded = found.settings["adapters"]?.array?.first?["blocks"]
    #expect(recorded?["single_blocks.0"]?.double == 0.25)
    let expected = try plan([.init(file: file, strength: 0.5)])
    #expect(expected.settings["adapters"]?.array?.first?["blocks"] == nil)
    #expect(try latent(found) == latent(expected))
    #expect(try latent(found) != latent(plan([.init(file: file, strength: 2)])))
    weak.blocks = try BlockStrengths([("double", 0.25)])
    let error = #expect(throws: BlockStrengthError.self) { try plan([weak]) }
    #expect(
      error?.description
        == "--adapter \(file): the strength of 'double' is for no module that is changed; there are "
        + "single_transformer_blocks.0 (or single_blocks, single)")
  }

  @Test("of a bundle of which one expert is emptied leaves that phase to the base model")
  func emptiedExpert() throws {
    func expert(_ phase: String, _ path: String) -> Expert {
      let down = TensorView(name: "down", shape: [1, 96], Array(repeating: 0.02, count: 96))
      let up = TensorView(name: "up", shape: [96, 1], Array(repeating: 0.5, count: 96))
      return Expert(
        phase: phase,
        adapter: Adapter(
          family: ModelFamily.named("flux1"),
          modules: [AdapterModule(path: path, down: down, up: up)], metadata: []))
    }
    let file = folder.path.appending("bundle.safetensors")
    let experts = [
      expert("slow", "single_transformer_blocks.0.attn.to_q"),
      expert("fast", "transformer_blocks.0.attn.to_q"),
    ]
    try ExpertBundle(experts: experts).write(to: file)
    var request = DrawingRequest.AdapterRequest(file: file)
    request.blocks = try BlockStrengths([("transformer_blocks", 0)])
    let found = try plan([request])
    #expect(applied(found) == ["bundle.safetensors 1.0 slow"])
    #expect(found.notes == ["no adapter for phase 'fast': the base model takes its steps alone"])
    request.blocks = try BlockStrengths([("to_q", 0)])
    let error = #expect(throws: BlockStrengthError.self) { try plan([request]) }
    #expect(
      error?.description == "--adapter \(file): every module that is changed has strength 0")
  }

  @Test("for another family is refused in one sentence")
  func otherFamily() throws {
    let flux = try folder.adapter("flux.safetensors")
    let qwen = Fixtures.model("tiny-qwen-image")
    let error = #expect(throws: DrawingError.self) {
      try plan([.init(file: flux)], model: "tiny-qwen-image")
    }
    #expect(error?.description == "\(flux): an adapter for FLUX.1, but \(qwen) is Qwen-Image")
    #expect(error?.failureKind == .wrongData)
  }
}
