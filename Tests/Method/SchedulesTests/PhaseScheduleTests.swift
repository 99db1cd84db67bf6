import Failures
import Schedules
import Testing

@Suite("A schedule of phases")
struct PhaseScheduleTests {
  static func schedule(
    _ recipe: String, tokens: Int = 4096, _ configuration: SchedulerConfiguration = Schedulers.qwen,
    change: (inout ScheduleRequest) throws -> Void = { _ in }
  ) throws -> PhaseSchedule {
    var request = ScheduleRequest(try ScheduleRecipe(parsing: recipe))
    try change(&request)
    return try request.schedule(configuration: configuration, tokens: tokens)
  }

  @Test func glanceTakesTheTeachersStepsAndHandsOverOnce() throws {
    let schedule = try PhaseScheduleTests.schedule("glance-5+5")
    #expect(schedule.phases == [.slow, .fast])
    #expect(schedule.entries.map(\.teacherStep) == [0, 2, 4, 6, 8, 10, 20, 30, 40, 49])
    #expect(schedule.indices(of: .fast) == 5..<10)
    let teacher = try #require(schedule.teacher)
    #expect(schedule.sigma(after: 4) == teacher.sigmas[10])
    #expect(schedule.sigma(after: 9) == 0)
    #expect(schedule.sigmaRange(of: .slow) == teacher.sigmas[10]...1)
    #expect(schedule.sigmaRange(of: .fast) == 0...teacher.sigmas[10])
    #expect(schedule.sigmaRange(of: .single) == nil)
    #expect(schedule.boundarySigma == teacher.sigmas[10])
    let list = try PhaseScheduleTests.schedule("1,0.5")
    #expect(list.boundarySigma == nil && list.entries.allSatisfy { $0.teacherStep == nil })
  }

  @Test(
    "has the sigmas that are published for its presets",
    arguments: [
      (
        "glance-5+5", Schedulers.flux,
        [1, 0.9870, 0.9732, 0.9586, 0.9431, 0.9266, 0.8257, 0.6780, 0.4412, 0.0606]
      ),
      (
        "glance-3+5", Schedulers.qwen,
        [1, 0.9575, 0.9113, 0.8867, 0.7451, 0.5630, 0.3201, 0.02]
      ),
      ("lightning-4", Schedulers.qwen, [1, 0.9, 0.75, 0.5]),
      ("lightning-8", Schedulers.qwen, [1, 0.9545, 0.9, 0.8333, 0.75, 0.6429, 0.5, 0.3]),
      (
        "distill-15", Schedulers.qwen,
        [
          1, 0.9647, 0.9266, 0.8853, 0.8405, 0.7916, 0.7382, 0.6795, 0.6146, 0.5427, 0.4624,
          0.3722, 0.2702, 0.1539, 0.02,
        ]
      ),
      ("distill-3", Schedulers.qwen, [1, 0.6325, 0.02]),
      ("schnell-4", Schedulers.flux, [1, 0.75, 0.5, 0.25]),
      ("1,0.9, 0.5,0", Schedulers.flux, [1, 0.9, 0.5]),
      ("0.7", Schedulers.flux, [0.7]),
    ] as [(String, SchedulerConfiguration, [Float])])
  func presets(recipe: String, configuration: SchedulerConfiguration, sigmas: [Float]) throws {
    let schedule = try PhaseScheduleTests.schedule(recipe, configuration)
    // The published lists have four decimals.
    #expect(largestDifference(schedule.sigmas, sigmas) <= 5.1e-5)
  }

  @Test func everyPresetIsWellFormed() throws {
    #expect(SchedulePreset.all.count >= 8)
    for preset in SchedulePreset.all {
      #expect(!preset.families.isEmpty && !preset.description.isEmpty)
      _ = try PhaseScheduleTests.schedule(preset.name, tokens: 36)
    }
  }

  @Test func theTeachersOwnStepsAreOnePhase() throws {
    let schedule = try PhaseScheduleTests.schedule("teacher:10")
    #expect(schedule.phases == [.single])
    #expect(schedule.sigmas.count == 10)
  }

  @Test func ownStepsReplaceThoseOfAPreset() throws {
    let schedule = try PhaseScheduleTests.schedule("glance-5+5") {
      $0.teacherSteps = 20
      $0.slowSteps = try StepList(parsing: "0, 1", option: "--slow-steps")
      $0.fastSteps = try StepList(parsing: "5,19", option: "--fast-steps")
    }
    #expect(schedule.teacher?.sigmas.count == 20)
    #expect(schedule.entries.map(\.teacherStep) == [0, 1, 5, 19])
    #expect(schedule.entries.map(\.phase) == [.slow, .slow, .fast, .fast])
  }

  @Test(
    "is cut at a boundary given in three ways",
    arguments: ["step:10", "sigma:0.9", "logsnr:-4.39", "sigma:0.8867053"])
  func boundaries(boundary: String) throws {
    let schedule = try PhaseScheduleTests.schedule("teacher:50") {
      $0.boundary = try PhaseBoundary(parsing: boundary)
    }
    // Sigma 0.9 lies between the teacher's steps 8 (0.9113) and 10 (0.8867); 9 is 0.8993.
    let expected = boundary == "step:10" || boundary == "sigma:0.8867053" ? 10 : 9
    #expect(schedule.indices(of: .slow) == 0..<expected)
    #expect(
      try PhaseBoundary(parsing: PhaseBoundary(parsing: boundary).description)
        == PhaseBoundary(parsing: boundary))
  }

  @Test(
    "is shared among experts",
    arguments: [
      ("single", ["single", "single", "single", "single", "single"]),
      ("uniform:2", ["part-1", "part-1", "part-1", "part-2", "part-2"]),
      ("uniform:5", ["part-1", "part-2", "part-3", "part-4", "part-5"]),
      ("slow-fast", ["slow", "slow", "fast", "fast", "fast"]),
    ] as [(String, [String])])
  func partitions(partition: String, phases: [String]) throws {
    let schedule = try PhaseScheduleTests.schedule("1,0.95,0.89,0.5,0.1") {
      $0.partition = try Partition(parsing: partition)
    }
    #expect(schedule.entries.map(\.phase.name) == phases)
    #expect(try Partition(parsing: partition).description == partition)
  }

  @Test func slowFastKeepsTheCutOfAPreset() throws {
    let plain = try PhaseScheduleTests.schedule("uniform-5+5")
    let same = try PhaseScheduleTests.schedule("uniform-5+5") { $0.partition = .slowFast }
    #expect(same == plain)
  }

  @Test(
    "reads back from its text bit for bit",
    arguments: ["glance-5+5", "teacher:50", "lightning-8", "1|0.9|0.8|0.7", "a=1|b-2=0.5,0.25"])
  func text(recipe: String) throws {
    for configuration in [Schedulers.flux, Schedulers.qwen] {
      let schedule = try PhaseScheduleTests.schedule(recipe, tokens: 36, configuration)
      let back = try PhaseSchedule(text: schedule.text)
      #expect(back.sigmas == schedule.sigmas)
      #expect(back.entries.map(\.phase) == schedule.entries.map(\.phase))
      #expect(back.text == schedule.text)
    }
  }

  @Test func textNamesPhasesOnlyWhenTheyAreUnusual() throws {
    #expect(try PhaseSchedule(text: "1,0.5|0.25").text == "1.0,0.5|0.25")
    #expect(try PhaseSchedule(text: "slow=1|fast=0.25").text == "1.0|0.25")
    let halves = try PhaseSchedule(text: "1,0.5").partitioned(.uniform(2))
    #expect(halves.text == "part-1=1.0|part-2=0.5")
  }
}

@Suite("A schedule that can't be")
struct ScheduleErrorTests {
  /// What was asked, and how the message begins.
  static let refusals: [(recipe: String, message: String)] = [
    ("glance", "--schedule: no schedule 'glance'; presets are glance-5+5, "),
    ("", "--schedule: no schedule ''"),
    ("teacher:0", "--schedule: expected teacher:N"),
    ("teacher:99999999999999999999", "--schedule: expected teacher:N"),
    ("1000,979.2", "--schedule: expected sigmas above 0 and up to 1 (a timestep divided by 1000)"),
    ("1,0.9,0.95", "--schedule: 0.95 follows 0.9, expected sigmas that fall"),
    ("1,1", "--schedule: 1.0 follows 1.0, expected sigmas that fall"),
    ("1,0,0.5", "--schedule: expected sigmas above 0 and up to 1, found 0.0"),
    ("1,-0.5", "--schedule: expected sigmas above 0 and up to 1, found -0.5"),
    ("1,nan", "--schedule: expected sigmas joined by commas"),
    ("1,,0.5", "--schedule: expected sigmas joined by commas"),
    ("1,0.5|0", "--schedule: leaves no step to the phase 'fast'"),
    ("1,0.5|", "--schedule: expected sigmas joined by commas"),
    ("a b=1|c=0.5", "--schedule: expected a phase's name"),
    ("a=1|b=0.5|a=0.2", "--schedule: expected each phase's steps together"),
  ]

  @Test("is refused with the option's name", arguments: refusals)
  func texts(recipe: String, message: String) throws {
    let error = try #require(throws: ScheduleError.self) {
      try PhaseScheduleTests.schedule(recipe)
    }
    #expect(error.description.hasPrefix(message), "\(error)")
  }

  @Test func stepsOutOfRangeNameTheirOption() throws {
    let error = try #require(throws: ScheduleError.self) {
      try PhaseScheduleTests.schedule("glance-5+5") {
        $0.fastSteps = try StepList(parsing: "10,50", option: "--fast-steps")
      }
    }
    #expect(
      error.description
        == "--fast-steps: step 50 of a teacher with 50 steps, expected 0 to 49")
    #expect(throws: ScheduleError.stepOutOfRange(source: "glance-5+5", step: 30, teacherSteps: 25))
    {
      try PhaseScheduleTests.schedule("glance-5+5") { $0.teacherSteps = 25 }
    }
  }

  @Test(
    "names the list whose steps don't rise",
    arguments: [("0,2,2", "10,20"), ("0,2,1", "10,20"), ("0,12", "10,20")])
  func order(slow: String, fast: String) throws {
    let error = try #require(throws: ScheduleError.self) {
      try PhaseScheduleTests.schedule("teacher:50") {
        $0.slowSteps = try StepList(parsing: slow, option: "--slow-steps")
        $0.fastSteps = try StepList(parsing: fast, option: "--fast-steps")
      }
    }
    #expect(error.description.hasPrefix(slow == "0,12" ? "--fast-steps: " : "--slow-steps: "))
  }

  @Test("refuses step lists that aren't", arguments: ["", "1,x", "-1", "1.5", "1,,2"])
  func stepLists(text: String) throws {
    let error = try #require(throws: ScheduleError.self) {
      try StepList(parsing: text, option: "--slow-steps")
    }
    #expect(error.description.hasPrefix("--slow-steps: expected steps joined by commas"))
  }

  @Test(
    "refuses boundaries that aren't", arguments: ["0.9", "sigma:1", "sigma:", "step:-1", "x:1"])
  func boundaries(text: String) throws {
    let error = try #require(throws: ScheduleError.self) { try PhaseBoundary(parsing: text) }
    #expect(error.description.hasPrefix("--boundary: expected step:N"))
  }

  @Test func aBoundaryThatEmptiesAPhaseIsRefused() throws {
    let error = try #require(throws: ScheduleError.self) {
      try PhaseScheduleTests.schedule("teacher:10") { $0.boundary = .sigma(0.001) }
    }
    #expect(error.description == "--boundary sigma:0.001: leaves no step to the phase 'fast'")
  }

  @Test func optionsThatExcludeEachOtherAreNamed() throws {
    let conflicts: [(String, (inout ScheduleRequest) -> Void, String)] = [
      ("1,0.5", { $0.teacherSteps = 20 }, "--teacher-steps: can't be combined with a list"),
      (
        "lightning-4", { $0.slowSteps = StepList([0], source: "--slow-steps") },
        "--slow-steps: can't be combined with 'lightning-4'"
      ),
      (
        "teacher:10",
        {
          $0.boundary = .standard
          $0.partition = .single
        }, "--boundary logsnr:-4.39: can't be combined with --partition single"
      ),
      ("1,0.5", { $0.boundary = .step(1) }, "--boundary step:1: can't be combined with a list"),
      (
        "teacher:10", { $0.slowSteps = StepList([0], source: "--slow-steps") },
        "--slow-steps: leaves no step to the phase 'fast'"
      ),
      ("1,0.5", { $0.partition = .uniform(3) }, "--partition: expected at most 2 parts"),
    ]
    for (recipe, change, message) in conflicts {
      let error = try #require(throws: ScheduleError.self) {
        try PhaseScheduleTests.schedule(recipe, change: change)
      }
      #expect(error.description.hasPrefix(message), "\(error)")
    }
  }

  @Test func isTheUsersMistakeOrTheFiles() throws {
    let usage = try #require(throws: ScheduleError.self) { try PhaseSchedule(text: "2") }
    #expect(usage.failureKind == .usage)
    let data = try #require(throws: ScheduleError.self) {
      try PhaseSchedule(text: "2", source: "adapter.safetensors: 'glance.sigmas'")
    }
    #expect(data.failureKind == .wrongData)
  }

  @Test("refuses partitions that aren't", arguments: ["uniform", "uniform:0", "uniform:x", "both"])
  func partitions(text: String) throws {
    let error = try #require(throws: ScheduleError.self) { try Partition(parsing: text) }
    #expect(error.description.hasPrefix("--partition: expected slow-fast, single or uniform:K"))
  }
}
