internal import Text

/// What a person asks for with `--schedule` or `--preset`.
public enum ScheduleRecipe: Sendable, Equatable, CustomStringConvertible {
  /// Every step of the model's own grid: `teacher:50`.
  case teacher(steps: Int)
  /// A named schedule.
  case preset(SchedulePreset)
  /// A list of sigmas.
  case sigmas(PhaseSchedule)

  /// Reads `teacher:N`, a preset's name or the text form of a schedule.
  public init(parsing text: String, option: String = "--schedule") throws(ScheduleError) {
    if let preset = SchedulePreset.named(text) {
      self = .preset(preset)
    } else if text.utf8HasPrefix("teacher:") {
      guard let steps = Int(text.dropFirst(8)), 1...1000 ~= steps else {
        throw .invalid(
          source: option, expected: "teacher:N with 1 to 1000 steps", found: "'\(text)'")
      }
      self = .teacher(steps: steps)
    } else if let steps = Int(text), steps > 1 {
      throw .invalid(
        source: option,
        expected: "teacher:\(steps) for the model's own walk, a preset, or sigmas up to 1",
        found: "'\(text)'")
    } else if text.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "|") })
      || Float(text) != nil
      || text.utf8HasPrefix(PhaseSchedule.renoising)
    {
      self = .sigmas(try PhaseSchedule(text: text, source: option))
    } else {
      throw .unknownPreset(source: option, name: text, known: SchedulePreset.all.map(\.name))
    }
  }

  /// As it is written on a command line.
  public var description: String {
    switch self {
    case .teacher(let steps): "teacher:\(steps)"
    case .preset(let preset): preset.name
    case .sigmas(let schedule): schedule.text
    }
  }
}

/// A schedule as options describe it, before the model and the image size are known.
public struct ScheduleRequest: Sendable, Equatable {
  /// Where the sigmas come from.
  public var recipe: ScheduleRecipe
  /// `--teacher-steps`: steps of the teacher's grid, instead of the recipe's.
  public var teacherSteps: Int?
  /// `--slow-steps`: the slow phase's steps of the teacher's grid, instead of the recipe's.
  public var slowSteps: StepList?
  /// `--fast-steps`: the fast phase's steps of the teacher's grid, instead of the recipe's.
  public var fastSteps: StepList?
  /// `--boundary`: cuts the steps anew.
  public var boundary: PhaseBoundary?
  /// `--partition`: shares the steps among experts anew.
  public var partition: Partition?

  /// A recipe without changes.
  public init(_ recipe: ScheduleRecipe) { self.recipe = recipe }

  /// The schedule for a model's scheduler and an image of `tokens` packed tokens.
  ///
  /// Errors name the option that can't be met.
  public func schedule(
    configuration: SchedulerConfiguration, tokens: Int
  ) throws(ScheduleError) -> PhaseSchedule {
    var schedule = try chosenSteps(configuration: configuration, tokens: tokens)
    if let boundary { schedule = try schedule.divided(at: boundary) }
    if let partition {
      if let boundary, partition != .slowFast {
        throw .conflict(
          source: "--boundary \(boundary)", with: "--partition \(partition)",
          reason: "both say where the phases are cut")
      }
      schedule = try schedule.partitioned(partition)
    }
    return schedule
  }

  private func chosenSteps(
    configuration: SchedulerConfiguration, tokens: Int
  ) throws(ScheduleError) -> PhaseSchedule {
    switch recipe {
    case .sigmas(let schedule):
      try refuseTeacherOptions(with: "a list of sigmas")
      return schedule
    case .preset(let preset):
      switch preset.grid {
      case .own(let steps, let own):
        try refuseTeacherOptions(with: "'\(preset.name)', which has a grid of its own")
        return PhaseSchedule(
          try NoiseSchedule(steps: steps, tokens: tokens, configuration: own)
        ).following(preset.rule)
      case .teacher(let steps, let phases):
        let lists = phases.map { phase in
          (
            phase: phase.phase,
            list: override(phase.phase) ?? StepList(phase.steps, source: preset.name)
          )
        }
        return try PhaseSchedule(
          teacher: teacher(steps, configuration, tokens), phases: lists
        ).following(preset.rule)
      }
    case .teacher(let steps):
      let teacher = try teacher(steps, configuration, tokens)
      switch (slowSteps, fastSteps) {
      case (nil, nil): return PhaseSchedule(teacher)
      case (let slow?, let fast?):
        return try PhaseSchedule(teacher: teacher, phases: [(.slow, slow), (.fast, fast)])
      case (let slow?, nil): throw .emptyPhase(source: slow.source, phase: .fast)
      case (nil, let fast?): throw .emptyPhase(source: fast.source, phase: .slow)
      }
    }
  }

  private func override(_ phase: Phase) -> StepList? {
    phase == .slow ? slowSteps : phase == .fast ? fastSteps : nil
  }

  private func teacher(
    _ steps: Int, _ configuration: SchedulerConfiguration, _ tokens: Int
  ) throws(ScheduleError) -> NoiseSchedule {
    try NoiseSchedule(
      steps: teacherSteps ?? steps, tokens: tokens, configuration: configuration,
      source: "--teacher-steps")
  }

  private func refuseTeacherOptions(with other: String) throws(ScheduleError) {
    let given = [
      teacherSteps.map { _ in "--teacher-steps" }, slowSteps?.source, fastSteps?.source,
    ].compactMap(\.self)
    if let option = given.first {
      throw .conflict(source: option, with: other, reason: "it takes no steps of a teacher")
    }
  }
}
