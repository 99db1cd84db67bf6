/// What a sampler executes: for every step, what the model is told and how far the latent moves.
///
/// A consistent schedule tells the model the noise level that the step starts from. Published
/// samplers that do otherwise are walks too, so that a sampler needs to know nothing of them.
public struct Walk: Sendable, Equatable {
  /// One step along velocity(latent, modelSigma), by a rule.
  public struct Step: Sendable, Equatable {
    /// The time that the model is told, as a sigma in [0, 1].
    public let modelSigma: Float
    /// The noise level that the integrator starts from.
    public let from: Float
    /// The noise level that the integrator moves to.
    public let to: Float
    /// Whose expert takes the step.
    public let phase: Phase
    /// How the latent gets there.
    public let rule: StepRule

    /// How far an Euler step moves the latent along the velocity; negative.
    public var delta: Float { to - from }
  }

  /// The steps in order.
  public let steps: [Step]
}

extension PhaseSchedule {
  /// The consistent walk: one table for the model's time and the integrator, ending in one 0.
  public var walk: Walk {
    Walk(
      steps: entries.enumerated().map { index, entry in
        Walk.Step(
          modelSigma: entry.sigma, from: entry.sigma, to: sigma(after: index),
          phase: entry.phase, rule: rule)
      })
  }

  /// The walk of the published Glance sampler, mistakes included.
  ///
  /// The model is told the schedule's timesteps in bfloat16, while the integrator walks the
  /// scheduler's own tables: in the slow phase the first sigmas of the teacher's grid, in the fast
  /// phase a new grid of as many steps as the phase has, which starts from 1 again. On Qwen-Image
  /// this overshoots by 5 %; on FLUX.1 the fast phase ends with a step from 0.44 to 0 for which the
  /// model is told 0.06, and noise is left in the picture.
  ///
  /// - Parameters:
  ///   - configuration: the model's scheduler.
  ///   - tokens: packed image tokens, at least 1.
  ///   - teacherSteps: the steps of the slow phase's table.
  /// - Returns: a walk of as many steps as the schedule has.
  /// - Throws: when the schedule is not a slow and a fast phase of Euler steps, or has more steps than
  ///   the table.
  ///
  /// **Source:** CSU-JPG/Glance, `pipeline/qwen.py`, `GlanceQwenSlowPipeline.__call__` and
  /// `GlanceQwenFastPipeline.__call__`.
  public func publishedWalk(
    configuration: SchedulerConfiguration, tokens: Int, teacherSteps: Int = 50
  ) throws(ScheduleError) -> Walk {
    guard phases == [.slow, .fast] else {
      throw .invalid(
        source: "--compat", expected: "a schedule with a slow and a fast phase",
        found: "phases \(phases.map(\.name).joined(separator: ", "))")
    }
    guard rule == .euler else {
      throw .conflict(
        source: "--compat", with: "a schedule that renoises",
        reason: "the published sampler takes Euler steps")
    }
    var steps: [Walk.Step] = []
    for phase in phases {
      let phaseEntries = entries[indices(of: phase)]
      let table = try NoiseSchedule(
        steps: phase == .slow ? teacherSteps : phaseEntries.count, tokens: tokens,
        configuration: configuration, source: "--compat")
      guard phaseEntries.count <= table.sigmas.count else {
        throw .stepOutOfRange(
          source: "--compat", step: phaseEntries.count - 1, teacherSteps: teacherSteps)
      }
      for (index, entry) in phaseEntries.enumerated() {
        steps.append(
          Walk.Step(
            modelSigma: publishedTimestep(sigma: entry.sigma)
              / SchedulerConfiguration.timestepScale,
            from: table.sigmas[index], to: table.sigma(afterStep: index), phase: phase,
            rule: .euler))
      }
    }
    return Walk(steps: steps)
  }
}
