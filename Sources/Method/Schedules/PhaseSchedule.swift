/// The steps of a sampling run, each with the phase whose expert takes it.
///
/// One table serves the model's time and the integrator: the step from an entry leads to the next
/// entry's sigma, across phases too, and the last one to 0.
public struct PhaseSchedule: Sendable, Equatable {
  /// One step.
  public struct Entry: Sendable, Equatable {
    /// The noise level that the step starts from, in (0, 1].
    public let sigma: Float
    /// Whose expert takes the step.
    public let phase: Phase
    /// The zero-based step of the teacher's grid that has this sigma; nil for a list of sigmas.
    public let teacherStep: Int?
  }

  /// The steps in order; sigmas fall strictly, a phase's steps stand together.
  public let entries: [Entry]
  /// The teacher's grid that the entries were taken from; nil for a list of sigmas.
  public let teacher: NoiseSchedule?
  /// How every step leads to the next.
  public internal(set) var rule = StepRule.euler

  /// Checks and joins phases.
  ///
  /// - Parameters:
  ///   - entries: the steps in order.
  ///   - teacher: where they were taken from.
  ///   - source: what to name in errors: the option or the file that gave the sigmas.
  /// - Throws: when there is no step, sigmas don't fall, or a phase comes back.
  init(entries: [Entry], teacher: NoiseSchedule?, source: String) throws(ScheduleError) {
    guard !entries.isEmpty else {
      throw .invalid(source: source, expected: "at least one step", found: "none")
    }
    try requireFalling(entries.map(\.sigma), source: source)
    self.entries = entries
    self.teacher = teacher
    let changes = zip(entries, entries.dropFirst()).count { $0.phase != $1.phase }
    guard changes + 1 == Set(entries.map(\.phase)).count else {
      throw .invalid(
        source: source, expected: "each phase's steps together",
        found: "a phase that comes back after another one")
    }
  }

  /// Every step of a teacher, as one phase.
  public init(_ teacher: NoiseSchedule) {
    entries = teacher.sigmas.enumerated().map { step, sigma in
      Entry(sigma: sigma, phase: .single, teacherStep: step)
    }
    self.teacher = teacher
  }

  /// The phases in the order of sampling.
  public var phases: [Phase] {
    entries.reduce(into: []) { phases, entry in
      if phases.last != entry.phase { phases.append(entry.phase) }
    }
  }

  /// The sigmas in order, without the final 0.
  public var sigmas: [Float] { entries.map(\.sigma) }

  /// The indices of a phase's entries; empty when the schedule has no such phase.
  public func indices(of phase: Phase) -> Range<Int> {
    guard let first = entries.firstIndex(where: { $0.phase == phase }),
      let last = entries.lastIndex(where: { $0.phase == phase })
    else { return 0..<0 }
    return first..<last + 1
  }

  /// The sigma that the step of an entry leads to: the next entry's, or 0 after the last.
  public func sigma(after index: Int) -> Float {
    index + 1 < entries.count ? entries[index + 1].sigma : 0
  }

  /// The noise levels that a phase covers: from where it hands over (or 0) to where it starts.
  public func sigmaRange(of phase: Phase) -> ClosedRange<Float>? {
    let indices = indices(of: phase)
    guard let first = indices.first, let last = indices.last else { return nil }
    return sigma(after: last)...entries[first].sigma
  }

  /// The sigma at which the first phase hands over to the second; nil when there is one phase.
  public var boundarySigma: Float? {
    phases.count > 1 ? entries[indices(of: phases[1]).lowerBound].sigma : nil
  }

  /// The steps without the first ones.
  public func dropping(first count: Int) -> PhaseSchedule {
    precondition(entries.indices.contains(count), "at least one step is left")
    return PhaseSchedule(entries: Array(entries[count...]), teacher: teacher, rule: rule)
  }

  private init(entries: [Entry], teacher: NoiseSchedule?, rule: StepRule) {
    self.entries = entries
    self.teacher = teacher
    self.rule = rule
  }

  /// The same steps with other phases, one a step.
  func relabelled(_ phases: [Phase], source: String) throws(ScheduleError) -> PhaseSchedule {
    precondition(phases.count == entries.count, "one phase a step")
    return try PhaseSchedule(
      entries: zip(entries, phases).map {
        Entry(sigma: $0.sigma, phase: $1, teacherStep: $0.teacherStep)
      },
      teacher: teacher, source: source
    ).following(rule)
  }
}
