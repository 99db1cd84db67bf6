internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Failures
internal import JSON
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Training

#if canImport(Glibc)
  internal import Glibc
#endif

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
    try output.check(phases)
    try makeFolder(output.folder)
    let prepared = try prepareSamples(handle)
    try handle(.preparing("hashing the base"))
    let baseDigest = try baseDigest()
    var experts: [TrainedExpert] = []
    for phase in phases {
      let run = try run(phase, prepared, baseDigest: baseDigest)
      let states = output.states(phase)
      try begin(run, states, resumes: output.resumes, handle)
      try handle(.began(phase, step: run.state.step))
      while !run.isFinished {
        let result = try step(run)
        try handle(.step(phase, result))
        let stops = shouldStop()
        let isDue = output.saveEvery > 0 && run.state.step % output.saveEvery == 0
        if stops || isDue || run.isFinished {
          try states.save(run.state)
          try handle(.saved(phase, step: run.state.step))
        }
        if stops, !run.isFinished { return experts }
      }
      try write(
        run.state.adapter, phase: phase, to: output, sampleDigest: prepared.digest,
        baseDigest: baseDigest)
      let expert = TrainedExpert(
        phase: phase, file: output.file(phase), losses: run.fixedNoiseLosses())
      try handle(.wrote(expert))
      experts.append(expert)
      if shouldStop() { return experts }
    }
    return experts
  }

  /// A step; where the loss is not finite, says whether a weight of the base is to blame.
  private func step(_ run: TrainingRun) throws -> TrainingRun.StepResult {
    do { return try run.takeStep() } catch {
      guard case .notFinite(let step, _) = error, let tensor = transformer.firstNotFinite() else {
        throw error
      }
      throw TrainingError.notFinite(
        step: step,
        detail: "tensor '\(tensor)' of \(pipeline.folder.path)/transformer holds NaN or infinity")
    }
  }

  private func run(
    _ phase: Phase, _ prepared: PreparedSamples, baseDigest: String
  ) throws -> TrainingRun {
    let paths = Set(modules.map(\.path))
    return try TrainingRun(
      model: transformer.transformer,
      targets: transformer.transformer.linearLayers.filter { paths.contains($0.name) },
      samples: prepared.samples, empty: prepared.empty, schedule: schedule, phase: phase,
      configuration: pipeline.scheduler, settings: settings,
      identity: identity(phase, prepared, baseDigest: baseDigest))
  }

  private func begin(
    _ run: TrainingRun, _ states: StateFolder, resumes: Bool,
    _ handle: (ExpertEvent) throws -> Void
  ) throws {
    guard resumes else { return states.clear() }
    var skipped: [TrainingError] = []
    do { run.resume(from: try states.newest(start: run.state) { skipped.append($0) }) } catch {
      // Without a state, the run was stopped before this expert's first one.
      guard case .noState = error else { throw error }
    }
    for error in skipped { try handle(.warning("\(error); the state before it is used")) }
  }

  /// What a saved state must agree with. Nothing of it depends on the machine.
  private func identity(
    _ phase: Phase, _ prepared: PreparedSamples, baseDigest: String
  ) -> JSONObject {
    [
      "phase": .string(phase.name), "sigmas": .string(schedule.text),
      "size": .string("\(width)x\(height)"), "targets": .string(request.targets),
      "rank": .integer(Int64(settings.rank)), "alpha": .number(settings.alpha),
      "steps": .integer(Int64(settings.steps)), "batch": .integer(Int64(settings.batch)),
      "lr": .number(settings.learningRate.peak),
      "warmup": .integer(Int64(settings.learningRate.warmupSteps)),
      "weight-decay": .number(settings.optimiser.weightDecay),
      "beta1": .number(settings.optimiser.beta1), "beta2": .number(settings.optimiser.beta2),
      "eps": .number(settings.optimiser.epsilon), "clip": .number(settings.clip ?? 0),
      "caption-dropout": .number(settings.captionDropout),
      "guidance": .number(settings.guidance), "seed": .string("\(settings.seed)"),
      "text-tokens": request.textTokens.map { .integer(Int64($0)) } ?? .null,
      "compat": .string(settings.followsPublishedArithmetic ? "reference" : "none"),
      "base_sha256": .string(baseDigest), "sample_sha256": .string(prepared.digest),
    ]
  }

  private func makeFolder(_ folder: FilePath) throws {
    var path = FilePath(root: folder.root, [])
    for component in folder.components {
      path.append(component)
      if unsafe mkdir(path.string, 0o777) != 0, errno != EEXIST, errno != EISDIR {
        throw ExpertTrainingError.badSample(
          file: path, detail: "cannot make the folder: \(Errno(rawValue: errno))",
          kind: .outputRefused)
      }
    }
  }
}
