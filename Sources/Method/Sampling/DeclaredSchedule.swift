public import Adapters
public import Schedules

/// A schedule that adapters, or checkpoints with adapters baked in, declare for themselves.
public struct DeclaredSchedule: Sendable, Equatable {
  /// The schedule, for the size that was asked for.
  public let schedule: PhaseSchedule
  /// Whether it was computed anew because the adapters were made for another size.
  public let isRecomputed: Bool
  /// The guidance value of training, where declared.
  public let guidance: Double?
  /// The classifier-free guidance scale that the adapters are meant for, where declared.
  public let cfg: Double?

  /// The schedule on which all adapters agree; nil when none declares one.
  ///
  /// - Parameters:
  ///   - adapters: adapters with their files' names.
  ///   - configuration: the model's scheduler.
  ///   - tokens: packed image tokens of the size that was asked for.
  ///   - isReplaced: whether another schedule is taken, so that they need not agree on theirs.
  /// - Throws: when two declare different ones, or one is malformed.
  public init?(
    _ adapters: [(source: String, metadata: GlanceMetadata)],
    configuration: SchedulerConfiguration, tokens: Int, isReplaced: Bool = false
  ) throws {
    let declaring = adapters.filter { $0.metadata.sigmas != nil }
    guard let first = declaring.first, let text = first.metadata.sigmas else { return nil }
    for other in declaring.dropFirst() where !isReplaced && other.metadata.sigmas != text {
      throw SamplingError.schedulesDiffer(first: first.source, second: other.source)
    }
    let stored = try PhaseSchedule(text: text, source: first.source)
    let metadata = first.metadata
    guidance = metadata.guidance
    cfg = metadata.cfg
    guard let size = metadata.imageTokens, size != tokens,
      let teacherSteps = metadata.teacherSteps, let indices = metadata.indices
    else {
      schedule = stored
      isRecomputed = false
      return
    }
    // The phases hold the same steps of the teacher's grid; that grid depends on the size.
    let teacher = try NoiseSchedule(
      steps: teacherSteps, tokens: tokens, configuration: configuration, source: first.source)
    let phases = zip(stored.phases, indices).map { phase, steps in
      (phase: phase, list: StepList(steps, source: first.source))
    }
    schedule = try PhaseSchedule(teacher: teacher, phases: phases).following(stored.rule)
    isRecomputed = true
  }
}
