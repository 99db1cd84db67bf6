import ExpertTraining
import JSON
import Safetensors
import Schedules
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Runs that end at any point, and go on.
@Suite("A run that is interrupted")
struct InterruptionTests {
  private struct Stop: Error {}

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func plan(steps: Int = 5) throws -> ExpertPlan {
    let sample = SampleSource(
      image: Fixtures.model("sample").appending("00.png"), caption: "a small blue circle")
    var request = ExpertRequest(
      model: Fixtures.model("tiny-flux"), samples: [sample],
      schedule: ScheduleRequest(try ScheduleRecipe(parsing: "glance-5+5")))
    request.steps = steps
    request.rank = 2
    return try ExpertPlan(request)
  }

  private func output(_ name: String, resumes: Bool = false) -> ExpertOutput {
    var output = ExpertOutput(folder: folder.path.appending(name), name: "x")
    output.saveEvery = 2
    output.isLogged = true
    output.previews = PreviewRequest(prompt: "a large red square", every: 2)
    output.resumes = resumes
    return output
  }

  /// Phase, step and loss of every row: what doesn't depend on the time.
  private func rows(_ name: String) throws -> [String] {
    let log = try TrainingLog(reading: folder.path.appending(name).appending("x.jsonl"))
    return log.rows.map {
      "\($0["phase"]?.string ?? "") \($0["step"]?.integer ?? 0) \($0["loss"]?.double ?? 0)"
    }
  }

  private func experts(_ name: String) throws -> [[UInt8]] {
    try ["slow", "fast"].map {
      try contents(of: folder.path.appending(name).appending("x-\($0).safetensors"))
    }
  }

  /// Stands for a sampler: its picture is the expert that it would draw with.
  private func draw(_ event: ExpertEvent, _ output: ExpertOutput) throws {
    guard case .preview(let preview, _) = event else { return }
    #expect(preview.adapters.count == (preview.phase == .slow ? 1 : 2))
    let (expert, picture) = (try #require(preview.adapters.last), output.previewFile(preview))
    let copied = try BuiltCommand("glance-train-lora").shell("cp '\(expert)' '\(picture)'")
    try #require(copied.status == 0)
  }

  /// The pictures by their names; nothing else is in their folder.
  private func previews(_ name: String) throws -> [String: [UInt8]] {
    let folder = folder.path.appending(name).appending("x-previews")
    let names = try BuiltCommand("glance-train-lora").shell("ls -A '\(folder)'").output
    return Dictionary(
      uniqueKeysWithValues: try names.split(separator: "\n").map {
        (String($0), try contents(of: folder.appending(String($0))))
      })
  }

  @Test("at every point, ends with the same experts and a row a step")
  func everyPoint() throws {
    let plan = try plan()
    var events = 0
    try plan.train(to: output("whole")) {
      events += 1
      try draw($0, output("whole"))
    }
    let (expected, expectedRows) = (try experts("whole"), try rows("whole"))
    let pictures = try previews("whole")
    #expect(
      pictures.keys.sorted()
        == ["fast", "slow"].flatMap { phase in [2, 4, 5].map { "\(phase)-00000\($0).png" } })
    for (phase, expert) in zip(["slow", "fast"], expected) {
      #expect(pictures["\(phase)-000005.png"] == expert)
      #expect(pictures["\(phase)-000004.png"] != expert)
    }
    #expect(expectedRows.count == 10)
    #expect(expectedRows.map { $0.split(separator: " ")[1] }.joined() == "1234512345")
    #expect(folder.entries == ["whole"])
    #expect(events > 25)
    for point in 1...events {
      let name = "stopped-\(point)"
      var seen = 0
      #expect(throws: Stop.self) {
        try plan.train(to: output(name)) { event in
          seen += 1
          if seen == point { throw Stop() }
          try draw(event, output(name))
        }
      }
      try plan.train(to: output(name, resumes: true)) { try draw($0, output(name)) }
      #expect(try previews(name) == pictures, "event \(point)")
      #expect(try rows(name) == expectedRows, "event \(point)")
      #expect(try experts(name) == expected, "event \(point)")
      let log = try TrainingLog(reading: folder.path.appending(name).appending("x.jsonl"))
      #expect(log.losses(of: "slow").count == 5 && log.losses(of: "fast").count == 5)
    }
  }

  @Test("asked to stop after every step, ends with the same too")
  func everyStep() throws {
    let plan = try plan()
    try plan.train(to: output("whole")) { try draw($0, output("whole")) }
    var finished = 0
    var runs = 0
    while finished < 2 {
      var hasStepped = false
      finished = try plan.train(to: output("steps", resumes: true), shouldStop: { hasStepped }) {
        if case .step = $0 { hasStepped = true }
        try draw($0, output("steps"))
      }.count
      runs += 1
      try #require(runs < 20)
    }
    #expect(runs == 10)
    #expect(try rows("steps") == rows("whole"))
    #expect(try experts("steps") == experts("whole"))
    // The last expert was finished before it could be drawn with.
    try plan.train(to: output("steps", resumes: true)) { try draw($0, output("steps")) }
    #expect(try previews("steps") == previews("whole"))
  }

  @Test("between its log and its state, takes the steps again in place of their rows")
  func logAheadOfState() throws {
    var output = output("a")
    output.keepsStates = true
    try plan(steps: 4).train(to: output) { _ in }
    let before = try rows("a")
    // As if killed before the state of step 4 and the expert were written.
    let state = folder.path.appending("a").appending("x-fast.state")
    try remove(state.appending("step-000004.safetensors"))
    try remove(folder.path.appending("a").appending("x-fast.safetensors"))
    output.resumes = true
    var steps = 0
    try plan(steps: 4).train(to: output) { if case .step = $0 { steps += 1 } }
    #expect(steps == 2)
    #expect(try rows("a") == before)
  }

  @Test("at its very end, leaves states that a run told to keep them keeps for others")
  func keptByAnotherRun() throws {
    let states = ["slow", "fast"].map {
      folder.path.appending("a").appending("x-\($0).state/step-000004.safetensors")
    }
    var written = 0
    #expect(throws: Stop.self) {
      try plan(steps: 4).train(to: output("a")) { event in
        if case .wrote = event { written += 1 }
        if written == 2 { throw Stop() }
        try draw(event, output("a"))
      }
    }
    let before = try states.map { try SafetensorsFile(opening: $0) }
    // The log lacks the last expert's losses, so that this run isn't idle; the next one is.
    var keeping = output("a", resumes: true)
    keeping.keepsStates = true
    for output in [keeping, output("a", resumes: true), output("a", resumes: true)] {
      var steps = 0
      try plan(steps: 4).train(to: output) { event in
        if case .step = event { steps += 1 }
        try draw(event, output)
      }
      #expect(steps == 0)
    }
    // The same but for what it says of itself.
    for (file, old) in zip(states, before) {
      let now = try SafetensorsFile(opening: file)
      #expect(now.metadata["kept"] == "true")
      #expect(now.metadata.filter { $0.key != "kept" }.map(\.value) == old.metadata.map(\.value))
      #expect(now.tensors.map(\.description) == old.tensors.map(\.description))
      for (new, before) in zip(now.tensors, old.tensors) {
        let bytes = [new, before].map { unsafe $0.bytes.withUnsafeBytes { unsafe Array($0) } }
        #expect(bytes[0] == bytes[1], "\(new.name)")
      }
    }
  }

  private func remove(_ file: FilePath) throws {
    let outcome = try BuiltCommand("glance-train-lora").shell("rm '\(file)'")
    try #require(outcome.status == 0)
  }
}
