/// How a step leads from one noise level to the next, once the model has told the velocity.
public enum StepRule: String, Sendable, Equatable {
  /// Along the velocity: x′ = x + (sigma′ − sigma) · v.
  case euler
  /// Straight to the picture, then back under new noise: x′ = (1 − sigma′) · x0 + sigma′ · noise with
  /// x0 = x − sigma · v. Consistency models and few-step students of DMD2 are trained for it.
  ///
  /// **Source:** Song et al., "Consistency Models" (2023), algorithm 1; Yin et al., "Improved
  /// Distribution Matching Distillation" (2024), section 4.4; for flow matching huggingface/diffusers,
  /// `scheduling_flow_match_euler_discrete.py`, `step` with `stochastic_sampling`, and
  /// `scheduling_flow_match_lcm.py`, `step`.
  case renoise
}

extension PhaseSchedule {
  /// The same steps taken by a rule.
  public func following(_ rule: StepRule) -> PhaseSchedule {
    var schedule = self
    schedule.rule = rule
    return schedule
  }
}
