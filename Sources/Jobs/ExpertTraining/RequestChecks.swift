internal import Training

extension TrainingSettings {
  /// Refuses what was resolved to something that can't be, such as an alpha from a rank.
  func checkLimits() throws {
    try TrainingLimit.steps.check(steps)
    try TrainingLimit.batch.check(batch)
    try TrainingLimit.rank.check(rank)
    try TrainingLimit.alpha.check(alpha)
    try TrainingLimit.strength.check(strength)
    try TrainingLimit.lr.check(learningRate.peak)
    try TrainingLimit.warmup.check(learningRate.warmupSteps)
    try TrainingLimit.weightDecay.check(optimiser.weightDecay)
    try TrainingLimit.beta1.check(optimiser.beta1)
    try TrainingLimit.beta2.check(optimiser.beta2)
    try TrainingLimit.eps.check(optimiser.epsilon)
    try TrainingLimit.captionDropout.check(captionDropout)
    try TrainingLimit.guidance.check(guidance)
    try TrainingLimit.cfg.check(cfg)
  }
}

extension ExpertRequest {
  /// Refuses settings that the objective has no use for.
  func checkObjective() throws {
    func refuse(_ option: String, _ expected: String, _ found: String) -> ExpertTrainingError {
      .invalid(option: option, expected: expected, found: found)
    }
    let asksTeacher = "an objective that asks the teacher: interval or path"
    if followsPublishedCode, objective != .flowMatching {
      throw refuse("--compat reference", "--objective flow-matching", "\(objective)")
    }
    guard !objective.asksTeacher else { return }
    if cfg != nil { throw refuse("--cfg", asksTeacher, objective.name) }
    if foldsGuidance { throw refuse("--distill-guidance", asksTeacher, objective.name) }
  }
}
