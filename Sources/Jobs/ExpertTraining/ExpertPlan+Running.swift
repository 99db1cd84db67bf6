internal import Caching
internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Files
internal import JSON
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Training

extension ExpertPlan {
  /// Trains the experts, one after the other, and writes each when it is done.
  ///
  /// - Parameters:
  ///   - output: where to write.
  ///   - shouldStop: asked after every step; a run that stops saves its state first.
  ///   - handle: called with everything that happens; may throw to stop without saving.
  /// - Returns: the experts; fewer than there are phases when it was stopped.
  /// - Throws: what is wrong in the inputs, what can't be written, or what the handler throws.
  @discardableResult
  public func train(
    to output: ExpertOutput, shouldStop: () -> Bool = { false },
    _ handle: (ExpertEvent) throws -> Void
  ) throws -> [TrainedExpert] {
    try makeFolder(output.folder)
    let lock = try RunLock(output)
    defer { withExtendedLifetime(lock) {} }
    var log = try output.check(phases)
    try handle(.admitted)
    try output.preparePreviews(phases)
    try warnOfNothingSaved(output, handle)
    var prepared = try prepareSamples(handle)
    try handle(.preparing("hashing the base"))
    let contents = request.cache?.contents(of: baseSnapshot)
    var inputs = Inputs(
      base: try baseDigest(contents), results: results(contents), sampleDigest: prepared.digest)
    var experts: [TrainedExpert] = []
    for phase in phases {
      let identity = identity(
        phase, sampleDigest: inputs.sampleDigest, baseDigest: inputs.base)
      let earlier =
        output.resumes
        ? try earlierWork(start(phase, identity), phase, identity, output) {
          try handle(.warning($0))
        } : .nothing
      let expert: TrainedExpert?
      do {
        expert = try train(phase, earlier, output, &log, inputs, shouldStop, handle) {
          try addWalks(to: &prepared.material, inputs.results, shouldStop, handle)
          return try run(phase, prepared, identity)
        }
      } catch is StoppedBeforeTraining { return experts }
      guard let expert else { return experts }
      experts.append(expert)
      inputs.experts.append(expert.file)
      if shouldStop(), experts.count < phases.count { return experts }
    }
    let isAllFromBefore = experts.allSatisfy(\.isFromBefore)
    if !output.keepsStates, !output.isLegacy, !isAllFromBefore {
      for phase in phases { output.states(phase).clear() }
    }
    return experts
  }

  /// What a run reads.
  struct Inputs {
    /// Digest of the transformer's files.
    let base: String
    /// What is kept of the base; nil: nothing is.
    let results: BaseResults?
    /// Digest of pictures and captions.
    let sampleDigest: String
    /// The experts trained before, which previews are drawn with.
    var experts: [FilePath] = []
  }

  /// Where results of the base are kept.
  private func results(_ contents: FileContents?) -> BaseResults? {
    guard let cache = request.cache, let contents else { return nil }
    return BaseResults(transformer, contents, in: cache)
  }

  /// Trains one expert and writes it; nil when it was stopped before.
  private func train(
    _ phase: Phase, _ earlier: EarlierWork, _ output: ExpertOutput,
    _ log: inout TrainingLog, _ inputs: Inputs, _ shouldStop: () -> Bool,
    _ handle: (ExpertEvent) throws -> Void, _ makeRun: () throws -> TrainingRun
  ) throws -> TrainedExpert? {
    if case .finished(let state) = earlier,
      state == nil || !log.lacksLosses(of: phase, after: settings.steps)
    {
      try handle(.finishedBefore(phase))
      try previewFinished(phase, output, log, inputs, handle)
      return TrainedExpert(
        phase: phase, file: output.file(phase), steps: settings.steps, seconds: 0,
        losses: log.losses(of: phase.name, after: settings.steps), isFromBefore: true)
    }
    let run = try makeRun()
    switch earlier {
    case .finished(let state):
      // The run was killed when the expert was written and the log not yet.
      if let state { run.resume(from: state) }
    case .state(let state):
      if let before = state.arithmetic.last, before != Arithmetic.name {
        try handle(
          .warning(
            "the state was computed with \(before), and the run goes on with \(Arithmetic.name): "
              + "the last bits will not be those of a run with either alone"))
      }
      run.resume(from: state)
    case .shorter(let steps):
      try handle(
        .warning(
          "\(output.file(phase)): trained for \(steps) steps, and its state is gone, which "
            + "--keep-state would have kept; all steps are taken again, to the same bytes"))
    case .nothing: if !output.resumes { output.states(phase).clear() }
    }
    try handle(.began(phase, step: run.state.step))
    guard let seconds = try takeSteps(run, phase, output, &log, inputs, shouldStop, handle) else {
      return nil
    }
    try write(
      run.state, phase: phase, to: output, sampleDigest: inputs.sampleDigest,
      baseDigest: inputs.base)
    let expert = TrainedExpert(
      phase: phase, file: output.file(phase), steps: settings.steps, seconds: seconds,
      losses: fixedNoiseLosses(run, inputs), isFromBefore: false)
    log.add(expert.losses, of: phase)
    try handle(.wrote(expert, log))
    // Last: a log that holds the final losses tells that all else is written.
    try save(log, to: output)
    return expert
  }

  /// The losses of an expert and of the base, of which the latter may be known from an earlier run.
  private func fixedNoiseLosses(
    _ run: TrainingRun, _ inputs: Inputs
  ) -> [FixedNoiseLoss] {
    guard let results = inputs.results else {
      return run.fixedNoiseLosses().map { FixedNoiseLoss($0) }
    }
    return run.fixedNoiseLosses(base: BaseLosses(results).loss).map { FixedNoiseLoss($0) }
  }

  /// Takes the steps that are left; nil when it was stopped before the last.
  private func takeSteps(
    _ run: TrainingRun, _ phase: Phase, _ output: ExpertOutput, _ log: inout TrainingLog,
    _ inputs: Inputs, _ shouldStop: () -> Bool, _ handle: (ExpertEvent) throws -> Void
  ) throws -> Double? {
    // A run that ended while it drew draws now.
    try previewIfDue(run, phase, output, log, inputs, handle)
    var start = ContinuousClock.now
    var last = start
    while !run.isFinished {
      let result = try step(run)
      let now = ContinuousClock.now
      if output.isLogged {
        log.add(phase, result, seconds: (now - last) / .seconds(1), time: secondsSince1970())
      }
      last = now
      try handle(.step(phase, result))
      var stops = shouldStop()
      let draws = !stops && isPreviewDue(run, output)
      let isDue = output.saveEvery > 0 && run.state.step % output.saveEvery == 0
      if stops || isDue || draws || run.isFinished {
        // The log first: whenever the process ends, no step of a state is missing in it.
        if output.isLogged { log.add(run.state.adapter.blockNorms, of: phase) }
        try handle(.saving(phase))
        try save(log, to: output)
        try output.states(phase).save(run.state)
        try handle(.saved(phase, step: run.state.step, log))
      }
      if draws {
        let before = ContinuousClock.now
        try previewIfDue(run, phase, output, log, inputs, handle)
        // Drawing is no part of the steps' time.
        let duration = ContinuousClock.now - before
        (start, last) = (start + duration, last + duration)
        stops = shouldStop()
      }
      if stops, !run.isFinished { return nil }
    }
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private func save(_ log: TrainingLog, to output: ExpertOutput) throws {
    guard output.isLogged else { return }
    try writeAtomically(
      unsafe Array(log.text.utf8).span.bytes, to: output.companion(TrainingLog.suffix),
      overwrite: true)
  }

  private func warnOfNothingSaved(
    _ output: ExpertOutput, _ handle: (ExpertEvent) throws -> Void
  ) throws {
    guard output.resumes,
      phases.allSatisfy({ output.states($0).isEmpty && !output.file($0).isTaken })
    else { return }
    let others = output.otherNames(phases)
    try handle(
      .warning(
        "\(output.companion("")): nothing is saved under this name, so that --resume begins with the "
          + "first step"
          + (others.isEmpty ? "" : "; saved in this folder: \(others.joined(separator: ", "))")))
  }

  /// A step; where the loss is not finite, says whether a weight of the base is to blame.
  private func step(_ run: TrainingRun) throws -> TrainingRun.StepResult {
    do { return try run.takeStep() } catch TrainingError.notFinite(let step, let detail) {
      guard let tensor = transformer.firstNotFinite() else {
        throw TrainingError.notFinite(step: step, detail: detail)
      }
      throw TrainingError.notFinite(
        step: step,
        detail: "tensor '\(tensor)' of \(transformer.checkpoint.path) holds NaN or infinity")
    }
  }

  private func start(_ phase: Phase, _ identity: JSONObject) -> TrainingState {
    TrainingRun.start(
      targets: Self.layers(of: modules, transformer.transformer), schedule: schedule, phase: phase,
      settings: settings, identity: identity)
  }

  private func run(
    _ phase: Phase, _ prepared: PreparedSamples, _ identity: JSONObject
  ) throws -> TrainingRun {
    try TrainingRun(
      model: transformer.transformer, targets: Self.layers(of: modules, transformer.transformer),
      material: prepared.material, schedule: schedule, phase: phase,
      configuration: pipeline.scheduler, settings: settings, identity: identity)
  }
}
