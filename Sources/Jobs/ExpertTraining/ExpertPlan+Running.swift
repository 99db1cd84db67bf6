internal import Caching
internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Files
internal import JSON
public import MessagePassing
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Training

extension ExpertPlan {
  /// Trains the experts, one after the other or a step of each in turn, and writes each when it is done.
  ///
  /// - Parameters:
  ///   - output: where to write.
  ///   - ranks: processes that share the work, of which this is the first; the others do their part with
  ///     ``assist(_:shouldStop:)``. The run ends for all of them. Nil: this one does all.
  ///   - shouldStop: asked after every step; a run that stops saves its state first.
  ///   - handle: called with everything that happens; may throw to stop without saving.
  /// - Returns: the experts; fewer than there are phases when it was stopped.
  /// - Throws: what is wrong in the inputs, what can't be written, or what the handler throws; `RankError`
  ///   where another rank was lost, after the states are saved.
  @discardableResult
  public func train(
    to output: ExpertOutput, ranks: Ranks? = nil, shouldStop: () -> Bool = { false },
    _ handle: (ExpertEvent) throws -> Void
  ) throws -> [TrainedExpert] {
    let crew = TrainingCrew(ranks)
    defer { crew.dismiss() }
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
    var isProvided = false
    var experts: [TrainedExpert] = []
    for group in request.phasesAtOnce ? [phases] : phases.map({ [$0] }) {
      let trained: [TrainedExpert]?
      do {
        trained = try train(group, output, &log, inputs, crew, shouldStop, handle) { phase in
          try addWalks(to: &prepared.material, inputs.results, shouldStop, handle)
          if !isProvided {
            try crew.provide(prepared.material, inputs.facts)
            isProvided = true
          }
          return try run(phase, prepared, identity(phase, inputs))
        }
      } catch is StoppedBeforeTraining { return experts }
      guard let trained else { return experts }
      experts += trained
      inputs.experts += trained.map(\.file)
      if shouldStop(), experts.count < phases.count { return experts }
    }
    // A run that was killed at its very end may have left its states.
    let isAllFromBefore = experts.allSatisfy(\.isFromBefore)
    for phase in phases where !output.isLegacy {
      let states = output.states(phase)
      if output.keepsStates {
        try states.keep(start: start(phase, identity(phase, inputs)))
      } else if !isAllFromBefore || !states.isKept {
        states.clear()
      }
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

  private func identity(_ phase: Phase, _ inputs: Inputs) -> JSONObject {
    identity(phase, sampleDigest: inputs.sampleDigest, baseDigest: inputs.base)
  }

  /// Trains some experts at once and writes them; nil when it was stopped before.
  private func train(
    _ group: [Phase], _ output: ExpertOutput, _ log: inout TrainingLog, _ inputs: Inputs,
    _ crew: TrainingCrew, _ shouldStop: () -> Bool, _ handle: (ExpertEvent) throws -> Void,
    _ makeRun: (Phase) throws -> TrainingRun
  ) throws -> [TrainedExpert]? {
    var finished: [Phase: TrainedExpert] = [:]
    var runs: [ExpertRun] = []
    for phase in group {
      let identity = identity(phase, inputs)
      let earlier =
        output.resumes
        ? try earlierWork(start(phase, identity), phase, identity, output) {
          try handle(.warning($0))
        } : .nothing
      if case .finished(let state) = earlier,
        state == nil || !log.lacksLosses(of: phase, after: settings.steps)
      {
        try handle(.finishedBefore(phase))
        try previewFinished(phase, output, log, inputs, handle)
        finished[phase] = TrainedExpert(
          phase: phase, file: output.file(phase), steps: settings.steps, seconds: 0,
          losses: log.losses(of: phase.name, after: settings.steps), isFromBefore: true)
        continue
      }
      let run = try makeRun(phase)
      try go(on: run, phase, from: earlier, output, handle)
      try handle(.began(phase, step: run.state.step))
      runs.append(ExpertRun(phase: phase, place: phases.firstIndex(of: phase) ?? 0, run: run))
    }
    guard try takeSteps(&runs, output, &log, inputs, crew, shouldStop, handle) else { return nil }
    for expert in runs {
      let (phase, run) = (expert.phase, expert.run)
      try write(
        run.state, phase: phase, to: output, sampleDigest: inputs.sampleDigest,
        baseDigest: inputs.base)
      let trained = TrainedExpert(
        phase: phase, file: output.file(phase), steps: settings.steps, seconds: expert.seconds,
        losses: fixedNoiseLosses(run, inputs), isFromBefore: false)
      finished[phase] = trained
      log.add(trained.losses, of: phase)
      try handle(.wrote(trained, log))
      // Last: a log that holds the final losses tells that all else is written.
      try save(log, to: output)
    }
    return group.compactMap { finished[$0] }
  }

  /// Continues from what an earlier run left of an expert.
  private func go(
    on run: TrainingRun, _ phase: Phase, from earlier: EarlierWork, _ output: ExpertOutput,
    _ handle: (ExpertEvent) throws -> Void
  ) throws {
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

  /// Takes the steps that are left, of all experts in turn; false when it was stopped before the last.
  private func takeSteps(
    _ runs: inout [ExpertRun], _ output: ExpertOutput, _ log: inout TrainingLog, _ inputs: Inputs,
    _ crew: TrainingCrew, _ shouldStop: () -> Bool, _ handle: (ExpertEvent) throws -> Void
  ) throws -> Bool {
    // A run that ended while it drew draws now.
    for expert in runs { try previewIfDue(expert, output, log, inputs, handle) }
    var last = ContinuousClock.now
    while true {
      let active = runs.indices.filter { !runs[$0].run.isFinished }
      guard !active.isEmpty else { return true }
      let results: [TrainingRun.StepResult]
      do { results = try step(active.map { runs[$0] }, crew) } catch let error as RankError {
        // The states are those of the last whole step.
        for index in active where runs[index].run.state.step > 0 {
          try save(runs[index], output, &log, handle)
        }
        if error == .stopped { return false }
        throw error
      }
      let now = ContinuousClock.now
      // Of experts that are trained at once each took its part of the time.
      let seconds = (now - last) / .seconds(1) / Double(active.count)
      last = now
      for (index, result) in zip(active, results) {
        runs[index].seconds += seconds
        if output.isLogged {
          log.add(runs[index].phase, result, seconds: seconds, time: secondsSince1970())
        }
        try handle(.step(runs[index].phase, result))
      }
      var stops = shouldStop() || crew.wantsToStop
      for expert in active.map({ runs[$0] }) {
        let draws = !stops && isPreviewDue(expert.run, output)
        let isDue = output.saveEvery > 0 && expert.run.state.step % output.saveEvery == 0
        if stops || isDue || draws || expert.run.isFinished {
          try save(expert, output, &log, handle)
        }
        guard draws else { continue }
        let before = ContinuousClock.now
        try previewIfDue(expert, output, log, inputs, handle)
        // Drawing is no part of the steps' time.
        last += ContinuousClock.now - before
        stops = shouldStop()
      }
      if stops, runs.contains(where: { !$0.run.isFinished }) { return false }
    }
  }

  /// Saves the log and an expert's state.
  private func save(
    _ expert: ExpertRun, _ output: ExpertOutput, _ log: inout TrainingLog,
    _ handle: (ExpertEvent) throws -> Void
  ) throws {
    // The log first: whenever the process ends, no step of a state is missing in it.
    if output.isLogged { log.add(expert.run.state.adapter.blockNorms, of: expert.phase) }
    try handle(.saving(expert.phase))
    try save(log, to: output)
    try output.states(expert.phase).save(expert.run.state, isKept: output.keepsStates)
    try handle(.saved(expert.phase, step: expert.run.state.step, log))
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

  /// A step of some experts; where a loss is not finite, says whether a weight of the base is to blame.
  private func step(
    _ experts: [ExpertRun], _ crew: TrainingCrew
  ) throws -> [TrainingRun.StepResult] {
    do {
      return try crew.takeStep(of: experts.map { ($0.place, $0.run) })
    } catch TrainingError.notFinite(let step, let detail) {
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

/// An expert while it is trained.
struct ExpertRun {
  /// Its phase.
  let phase: Phase
  /// The place of the phase among the plan's.
  let place: Int
  /// Its training.
  let run: TrainingRun
  /// How long its steps took in this process.
  var seconds = 0.0
}
