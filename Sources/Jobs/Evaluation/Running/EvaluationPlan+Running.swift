internal import Compute
internal import Concurrency
internal import Drawing
public import MessagePassing
internal import Pictures
public import SystemPackage

extension EvaluationPlan {
  /// How ranks share the runs of all arms, one arm's after another's, by their forward passes.
  public func runShare(ranks: Int) -> PieceShare {
    PieceShare(
      sizes: arms.flatMap { $0.runs.map { Double($0.plan.passesPerPicture) } }, ranks: ranks)
  }

  /// Draws what isn't there yet of some runs, so that ``run(in:_:)`` finds it.
  ///
  /// - Parameters:
  ///   - places: which of the runs of all arms.
  ///   - folder: where pictures and latents go.
  ///   - handle: called with everything that happens, from any thread.
  /// - Throws: what is wrong in the inputs.
  public func draw(
    _ places: [Int], in folder: FilePath, _ handle: @escaping @Sendable (EvaluationEvent) -> Void
  ) throws {
    var texts = EncodedTexts()
    var passes = 0
    let runs = arms.flatMap { arm in arm.runs.map { (arm, $0) } }
    for (arm, run) in places.map({ runs[$0] }) {
      let drawing = drawing(arm, run, in: folder, passesBefore: passes, handle)
      _ = try drawing.pictures(&texts)
      passes += run.plan.passesPerPicture * picturesPerRun
    }
  }

  /// Forward passes of some runs of all arms.
  public func passCount(_ places: [Int]) -> Int {
    let runs = arms.flatMap(\.runs)
    return places.reduce(0) { $0 + runs[$1].plan.passesPerPicture } * picturesPerRun
  }

  private func drawing(
    _ arm: Arm, _ run: Arm.Run, in folder: FilePath, passesBefore passes: Int,
    _ handle: @escaping @Sendable (EvaluationEvent) -> Void
  ) -> ArmDrawing {
    ArmDrawing(
      name: arm.name, plan: run.plan, store: ArmStore(run, of: self, in: folder),
      passesBefore: passes, handle: handle)
  }

  /// Draws what isn't there yet, and measures everything.
  ///
  /// - Parameters:
  ///   - folder: where pictures and latents go.
  ///   - handle: called with everything that happens, from any thread.
  /// - Returns: what came out.
  /// - Throws: what is wrong in the inputs.
  public func run(
    in folder: FilePath, _ handle: @escaping @Sendable (EvaluationEvent) -> Void
  ) throws -> EvaluationResults {
    var texts = EncodedTexts()
    var passes = 0
    var teacher: [MeasuredPicture] = []
    var measured: [MeasuredArm] = []
    let directions = try clip?.directions(of: request.prompts.map(\.text))
    for arm in arms {
      var runs: [MeasuredArm.Run] = []
      for run in arm.runs {
        let drawing = drawing(arm, run, in: folder, passesBefore: passes, handle)
        let (pictures, seconds) = try drawing.pictures(&texts)
        if teacher.isEmpty { teacher = pictures }
        runs.append(measure(pictures, seconds, teacher, directions))
        passes += run.plan.passesPerPicture * picturesPerRun
      }
      measured.append(MeasuredArm(arm: arm, runs: runs))
    }
    return EvaluationResults(
      plan: self, arms: measured, latentRange: range(of: teacher.map(\.latent)))
  }

  private func measure(
    _ pictures: [MeasuredPicture], _ seconds: [Double], _ teacher: [MeasuredPicture],
    _ directions: [Tensor]?
  ) -> MeasuredArm.Run {
    let measures = Parallel.map(pictures.count, work: .max) { index in
      let (ours, theirs) = (pictures[index], teacher[index])
      let (prompt, seed) = index.quotientAndRemainder(dividingBy: request.seeds)
      let labels = request.prompts[prompt].labels
      return PictureMeasures(
        prompt: prompt, seed: seed,
        latentSquaredError: meanSquaredError(ours.latent, theirs.latent),
        latentCosine: cosine(ours.latent, theirs.latent),
        pixelSquaredError: meanSquaredError(ours.picture, theirs.picture),
        classes: labels == nil ? nil : checker?.classes(of: ours.picture), labels: labels,
        clipScore: directions.flatMap { clip?.score(ours.picture, $0[prompt]) },
        seconds: seconds[index])
    }
    let spreads = (0..<request.prompts.count).map { prompt in
      spread(pictures[prompt * request.seeds..<(prompt + 1) * request.seeds].map(\.latent))
    }
    let features = LatentFeatures(
      shape: pictures[0].latent.shape, pictures: pictures.count)
    return MeasuredArm.Run(
      pictures: measures, spreads: spreads, features: pictures.map { features.of($0.latent) })
  }

  private func range(of latents: [Tensor]) -> Double {
    let floats = latents.map(\.floats)
    let high = floats.compactMap { $0.max() }.max() ?? 0
    let low = floats.compactMap { $0.min() }.min() ?? 0
    return Double(high) - Double(low)
  }
}
