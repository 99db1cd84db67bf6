public import ArgumentParser
internal import CommandSupport
public import ExpertTraining
internal import Training

/// What decides an expert: what is trained, on what and how.
public struct TrainingOptions: ParsableArguments {
  /// What is trained on.
  @OptionGroup(title: "Data") public var data: DataOptions
  /// Which timesteps.
  @OptionGroup(title: "Schedule") public var timesteps: TimestepOptions
  /// What is learnt.
  @OptionGroup(title: "Objective") public var goal: ObjectiveOptions
  /// How.
  @OptionGroup(title: "Optimisation") public var optimisation: OptimisationOptions

  /// The options with their defaults.
  public init() {}

  /// What these options ask for, and what to tell of the folder of samples.
  ///
  /// - Throws: what is wrong in them, or in the folder.
  public func request() throws -> (request: ExpertRequest, warning: String?) {
    let (samples, warning) = try data.samples()
    var request = ExpertRequest(
      model: data.model, samples: samples, schedule: try timesteps.schedule())
    request.transformer = data.transformer
    request.transformerBase = data.base
    request.phases = try timesteps.phases()
    request.targets = optimisation.targets
    request.rank = optimisation.rank
    request.alpha = optimisation.alpha
    request.strength = optimisation.strength
    request.steps = optimisation.steps
    request.batch = optimisation.batch
    request.learningRate = optimisation.lr
    request.warmupSteps = optimisation.warmup
    request.optimiser.beta1 = optimisation.beta1
    request.optimiser.beta2 = optimisation.beta2
    request.optimiser.epsilon = optimisation.eps
    request.weightDecay = optimisation.weightDecay
    request.clip = optimisation.clip
    request.captionDropout = optimisation.captionDropout
    request.guidance = optimisation.guidance
    request.objective = goal.objective
    request.weighting = goal.weighting
    request.cfg = goal.cfg
    request.foldsGuidance = goal.distillGuidance
    request.seed = optimisation.seed
    request.size = data.resolution.map { ($0.width, $0.height) }
    request.textTokens = data.textTokens
    request.followsPublishedCode = optimisation.compat == .reference
    request.memoryLimit = optimisation.memory?.count
    return (request, warning)
  }
}
