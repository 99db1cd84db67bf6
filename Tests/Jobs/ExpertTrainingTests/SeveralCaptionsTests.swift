import ExpertTraining
import Files
import JSON
import Schedules
import SystemPackage
import TestSupport
import Testing

@Suite("Several captions of a picture")
struct SeveralCaptionsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Trains a slow expert for some steps; its tensors' bytes, and the samples that its steps took.
  private func train(
    _ captions: [String], named name: String
  ) throws -> (tensors: [UInt8], samples: [String]) {
    var request = ExpertRequest(
      model: Fixtures.model("tiny-flux"),
      samples: SampleSource.samples(
        of: Fixtures.model("sample").appending("00.png"), captions: captions),
      schedule: ScheduleRequest(try ScheduleRecipe(parsing: "glance-5+5")))
    (request.steps, request.rank, request.phases) = (8, 2, [try #require(Phase(name: "slow"))])
    var output = ExpertOutput(folder: folder.path, name: name)
    output.isLogged = true
    let plan = try ExpertPlan(request)
    #expect(plan.pictures.count == 1)
    var encodings = 0
    try plan.train(to: output) { event in
      if case .preparing("encoding 00.png") = event { encodings += 1 }
    }
    #expect(encodings == 1)
    let file = try contents(of: folder.path.appending("\(name)-slow.safetensors"))
    let header = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let log = try String(
      decoding: contents(of: folder.path.appending("\(name).jsonl")), as: UTF8.self)
    let samples = try log.split(separator: "\n").compactMap {
      try JSONValue(parsing: String($0))["sample"]?.string
    }
    return (Array(file[(8 + header)...]), samples)
  }

  @Test("are samples of it, encoded once, and each step takes one of them")
  func samples() throws {
    let (one, two) = ("a small blue circle", "a photo")
    let lone = try train([one], named: "lone")
    let alike = try train([one, one], named: "alike")
    let both = try train([one, two], named: "both")
    #expect(lone.samples == Array(repeating: "00.png", count: 8))
    #expect(alike.samples == both.samples)
    #expect(Set(both.samples) == ["00.png", "00.png, caption 2"])
    #expect(lone.tensors == alike.tensors)
    #expect(lone.tensors != both.tensors)
  }
}
