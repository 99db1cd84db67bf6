import ExpertTraining
import Files
import Schedules
import SystemPackage
import TestSupport
import Testing

@Suite("A finished run")
struct ExtensionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func plan(steps: Int, warmup: Int = 0) throws -> ExpertPlan {
    let sample = SampleSource(
      image: Fixtures.model("sample").appending("00.png"), caption: "a small blue circle")
    var request = ExpertRequest(
      model: Fixtures.model("tiny-flux"), samples: [sample],
      schedule: ScheduleRequest(try ScheduleRecipe(parsing: "glance-5+5")))
    request.steps = steps
    request.rank = 2
    request.warmupSteps = warmup
    return try ExpertPlan(request)
  }

  private func output(_ name: String, keeps: Bool = false, resumes: Bool = false) -> ExpertOutput {
    var output = ExpertOutput(folder: folder.path.appending(name), name: "x")
    output.isLogged = true
    output.keepsStates = keeps
    output.resumes = resumes
    return output
  }

  private func experts(_ name: String) throws -> [[UInt8]] {
    try ["slow", "fast"].map {
      try contents(of: folder.path.appending(name).appending("x-\($0).safetensors"))
    }
  }

  private func entries(_ name: String) throws -> String {
    try BuiltCommand("glance-train-lora").shell(
      "cd '\(folder.path)/\(name)' && ls -A | tr '\\n' ' '"
    )
    .output
  }

  @Test(
    "takes more steps to the bytes of a run of that length, with its state or without",
    arguments: [true, false], [0, 6])
  func moreSteps(keeps: Bool, warmup: Int) throws {
    try plan(steps: 3, warmup: warmup).train(to: output("a", keeps: keeps)) { _ in }
    let states = keeps ? "x-fast.state x-slow.state " : ""
    #expect(
      try entries("a").replacing("x-fast.safetensors ", with: "")
        .replacing("x-slow.safetensors ", with: "") == states + "x.jsonl ")
    var steps = 0
    var warnings: [String] = []
    let more = try plan(steps: 5, warmup: warmup)
    let experts = try more.train(to: output("a", keeps: keeps, resumes: true)) { event in
      if case .step = event { steps += 1 }
      if case .warning(let text) = event { warnings.append(text) }
    }
    #expect(experts.map(\.steps) == [5, 5])
    #expect(steps == (keeps ? 4 : 10))
    let file = folder.path.appending("a").appending("x-slow.safetensors")
    #expect(
      warnings.first
        == (keeps
          ? nil
          : "\(file): trained for 3 steps, and its state is gone, which --keep-state would have "
            + "kept; all steps are taken again, to the same bytes"))
    try plan(steps: 5, warmup: warmup).train(to: output("b")) { _ in }
    #expect(try self.experts("a") == self.experts("b"))
  }

  @Test("is left alone when nothing is left to do", arguments: [true, false])
  func nothingToDo(keeps: Bool) throws {
    try plan(steps: 3).train(to: output("a", keeps: keeps)) { _ in }
    let shell = BuiltCommand("glance-train-lora")
    let list = "cd '\(folder.path)/a' && find . -type f -printf '%P %i %T@\\n' | sort"
    let before = try shell.shell(list).output
    var events: [String] = []
    let experts = try plan(steps: 3).train(to: output("a", resumes: true)) { event in
      if case .finishedBefore(let phase) = event { events.append(phase.name) }
    }
    #expect(events == ["slow", "fast"])
    #expect(experts.map(\.isFromBefore) == [true, true])
    #expect(experts.map(\.losses.count) == [5, 5])
    // Not one file is written again: the same inodes, the same times.
    #expect(try shell.shell(list).output == before)
  }

  @Test("is cleared of states where the process was killed before it removed them")
  func killedAtTheEnd() throws {
    struct Killed: Error {}
    var output = output("a")
    output.isLogged = false
    #expect(throws: Killed.self) {
      try plan(steps: 3).train(to: output) { event in
        if case .wrote(let expert, _) = event, expert.phase.name == "fast" { throw Killed() }
      }
    }
    #expect(
      try entries("a") == "x-fast.safetensors x-fast.state x-slow.safetensors x-slow.state ")
    output.resumes = true
    #expect(
      try plan(steps: 3).train(to: output) { _ in }.map(\.isFromBefore) == [true, true])
    #expect(try entries("a") == "x-fast.safetensors x-slow.safetensors ")
  }

  @Test("refuses fewer steps, with its state or without", arguments: [true, false])
  func fewerSteps(keeps: Bool) throws {
    try plan(steps: 3).train(to: output("a", keeps: keeps)) { _ in }
    let error = #expect(throws: (any Error).self) {
      try plan(steps: 2).train(to: output("a", resumes: true)) { _ in }
    }
    let place = folder.path.appending("a").appending(keeps ? "x-slow.state" : "x-slow.safetensors")
    #expect(
      error.map { "\($0)" }
        == "\(place): 3 steps are taken already, and --steps is 2; ask for as many or more, or "
        + "start anew with --force instead of --resume")
  }

  @Test("of another program is not gone on from")
  func foreignFile() throws {
    try folder.makeFolder("a")
    let golden = Goldens.folder("flux").appending("adapter.safetensors")
    let copy = try BuiltCommand("glance-train-lora").shell(
      "cp '\(golden)' '\(folder.path)/a/x-slow.safetensors'")
    try #require(copy.status == 0)
    let error = #expect(throws: ExpertTrainingError.self) {
      try plan(steps: 2).train(to: output("a", resumes: true)) { _ in }
    }
    #expect(
      error?.description
        == "\(folder.path)/a/x-slow.safetensors: exists already; it doesn't tell how it was "
        + "trained, so that nothing can go on from it: choose another --name, or start anew with "
        + "--force instead of --resume")
    #expect(
      try contents(of: folder.path.appending("a").appending("x-slow.safetensors"))
        == contents(of: golden))
  }
}
