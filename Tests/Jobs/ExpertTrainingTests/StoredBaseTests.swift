import Compute
import Elements
import ExpertTraining
import ModelTestSupport
import Rewriting
import Safetensors
import Schedules
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("An expert is trained to the same factors, bit for bit, however its base is stored")
struct StoredBaseTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Bytes of the factors of the slow expert after two steps.
  private func factors(_ model: String, _ transformer: FilePath, _ name: String) throws -> [UInt8] {
    let sample = SampleSource(
      image: Fixtures.model("sample").appending("00.png"), caption: "a small blue circle")
    var request = ExpertRequest(
      model: Fixtures.model(model), samples: [sample],
      schedule: ScheduleRequest(try ScheduleRecipe(parsing: "glance-5+5")))
    request.transformer = transformer
    request.steps = 2
    request.rank = 2
    request.phases = [.slow]
    let output = ExpertOutput(folder: folder.path.appending(name), name: "x")
    let experts = try ProductSettings.with(.withoutTiles) {
      try ExpertPlan(request).train(to: output) { _ in }
    }
    #expect(experts.count == 1)
    let file = folder.path.appending(name).appending("x-slow.safetensors")
    return try SafetensorsFile(opening: file).tensors.flatMap { tensor in
      unsafe tensor.bytes.withUnsafeBytes { unsafe Array($0) }
    }
  }

  private func rewritten(
    _ input: FilePath, _ name: String, _ change: (inout RewritingRequest) -> Void
  ) throws -> FilePath {
    var request = RewritingRequest(input: input, output: folder.path.appending(name))
    change(&request)
    _ = try RewritingPlan(request).write { _ in }
    return request.output
  }

  private func check(
    _ model: String, _ name: String, _ change: (inout RewritingRequest) -> Void
  ) throws {
    let form = try rewritten(Fixtures.model(model).appending("transformer"), name, change)
    let plain = try rewritten(form, "plain.safetensors") {
      $0.layout = "diffusers"
      $0.form.dtype = .f32
    }
    let (trained, expected) = (try factors(model, form, "form"), try factors(model, plain, "plain"))
    #expect(!trained.isEmpty && trained == expected)
  }

  @Test func bflScaledOfTheFirstForm() throws {
    try check("tiny-flux", "o.safetensors") {
      $0.layout = "bfl"
      $0.form.scaled = .generation1
    }
  }

  @Test func scaledOfTheNewestForm() throws {
    try check("tiny-qwen-image", "o.safetensors") { $0.form.scaled = .generation2 }
  }

  @Test func ggufInBlocks() throws {
    try check("tiny-flux", "o.gguf") { $0.form.gguf = "q8_0" }
  }

  @Test func compressed() throws {
    try check("tiny-flux", "o.safetensors") {
      $0.layout = "bfl"
      $0.form.isCompressed = true
    }
  }
}
