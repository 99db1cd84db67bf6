/// Steps of a teacher's grid and who asked for them.
public struct StepList: Sendable, Equatable {
  /// Zero-based steps in the order given.
  public var steps: [Int]
  /// The option or preset that gave them, for errors.
  public var source: String

  /// Steps that are known to be numbers.
  public init(_ steps: [Int], source: String) {
    self.steps = steps
    self.source = source
  }

  /// Reads steps joined by commas, such as `0,2,4,6,8`.
  public init(parsing text: String, option: String) throws(ScheduleError) {
    var steps: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let step = Int(part.trimmed), step >= 0 else {
        throw .invalid(
          source: option, expected: "steps joined by commas, such as 0,2,4",
          found: "'\(text)'")
      }
      steps.append(step)
    }
    self.init(steps, source: option)
  }
}

extension PhaseSchedule {
  /// Some steps of a teacher, phase after phase.
  public init(
    teacher: NoiseSchedule, phases: [(phase: Phase, list: StepList)]
  ) throws(ScheduleError) {
    var entries: [Entry] = []
    for (phase, list) in phases {
      guard !list.steps.isEmpty else { throw .emptyPhase(source: list.source, phase: phase) }
      for step in list.steps {
        guard teacher.sigmas.indices.contains(step) else {
          throw .stepOutOfRange(
            source: list.source, step: step, teacherSteps: teacher.sigmas.count)
        }
        if let previous = entries.last?.teacherStep, previous >= step {
          throw .outOfOrder(
            source: list.source, previous: "step \(previous)", next: "step \(step)",
            expected: "each step once, in rising order, the slow phase first")
        }
        entries.append(Entry(sigma: teacher.sigmas[step], phase: phase, teacherStep: step))
      }
    }
    try self.init(
      entries: entries, teacher: teacher, source: phases.first?.list.source ?? "schedule")
  }

  /// The same steps, slow before a boundary and fast from it on; both must have a step.
  public func divided(
    at boundary: PhaseBoundary, source: String = "--boundary"
  ) throws(ScheduleError) -> PhaseSchedule {
    var phases: [Phase] = []
    for entry in entries {
      guard let isSlow = boundary.isSlow(entry) else {
        throw .conflict(
          source: "\(source) \(boundary)", with: "a list of sigmas",
          reason: "it has no teacher's steps; use sigma:S or logsnr:L")
      }
      phases.append(isSlow ? .slow : .fast)
    }
    for phase in [Phase.slow, .fast] where !phases.contains(phase) {
      throw .emptyPhase(source: "\(source) \(boundary)", phase: phase)
    }
    return try relabelled(phases, source: source)
  }

  /// The same steps shared among experts in another way.
  ///
  /// `slowFast` keeps two phases as they are, and divides any other schedule at the standard
  /// boundary.
  public func partitioned(
    _ partition: Partition, source: String = "--partition"
  ) throws(ScheduleError) -> PhaseSchedule {
    switch partition {
    case .single:
      return try relabelled(entries.map { _ in .single }, source: source)
    case .slowFast:
      return phases == [.slow, .fast] ? self : try divided(at: .standard, source: source)
    case .uniform(let count):
      guard count <= entries.count else {
        throw .invalid(
          source: source, expected: "at most \(entries.count) parts, one a step",
          found: "\(count)")
      }
      let (size, longer) = entries.count.quotientAndRemainder(dividingBy: count)
      let phases = (0..<count).flatMap { part in
        Array(repeating: Phase.part(part + 1), count: size + (part < longer ? 1 : 0))
      }
      return try relabelled(phases, source: source)
    }
  }
}

extension Substring {
  /// Without spaces at either end.
  var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}
