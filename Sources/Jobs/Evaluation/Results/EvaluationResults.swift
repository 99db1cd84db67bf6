internal import Concurrency

/// What an evaluation found.
public struct EvaluationResults: Sendable {
  /// Figures of an arm.
  public struct ArmFigures: Sendable {
    /// Figures with their intervals, those that there are.
    public let figures: [Measure: Estimate]
    /// Each baseline's place, and the arm's figures less that one's.
    public let differences: [(baseline: Int, figures: [Measure: Estimate])]
    /// The Fréchet distance of its latents to the teacher's; nil for the teacher and for one picture.
    public let frechet: FrechetDistance?
  }

  /// The plan.
  public let plan: EvaluationPlan
  /// What was measured, in the order of the plan's arms.
  public let arms: [MeasuredArm]
  /// The figures, in the same order.
  public let figures: [ArmFigures]
  /// The largest number of the teacher's latents less the smallest, which latent PSNR is held against.
  public let latentRange: Double
  /// Numbers of a picture that the Fréchet distance compares.
  public let featureCount: Int

  init(plan: EvaluationPlan, arms: [MeasuredArm], latentRange: Double) {
    self.plan = plan
    self.arms = arms
    self.latentRange = latentRange
    featureCount = arms[0].features.dimension
    let resampling = Resampling(
      prompts: plan.request.prompts.count, seeds: plan.request.seeds,
      count: plan.request.resamples)
    let measures = Measure.allCases
    let cells = Parallel.map(arms.count * measures.count, work: .max) { place in
      let (arm, column) = place.quotientAndRemainder(dividingBy: measures.count)
      return ResampledFigure(
        measures[column], of: arms[arm], teacher: arms[0], isTeacher: arm == 0,
        latentRange: latentRange, resampling)
    }
    let rows = arms.indices.map { arm in
      measures.indices.map { cells[arm * measures.count + $0] }
    }
    let frechet = Parallel.map(arms.count, work: .max) { arm -> FrechetDistance? in
      guard arm > 0, arms[arm].features.count > 1 else { return nil }
      // Nil where LAPACK gives up, which is told as a figure that isn't there.
      return try? FrechetDistance(arms[arm].features, arms[0].features)
    }
    figures = arms.indices.map { arm in
      ArmFigures(
        figures: Self.table(measures) { rows[arm][$0]?.estimate },
        differences: arms[arm].arm.baselines.map { baseline in
          (
            baseline,
            Self.table(measures) { column in
              guard let own = rows[arm][column], let other = rows[baseline][column] else {
                return nil
              }
              return own.difference(from: other)
            }
          )
        }, frechet: frechet[arm])
    }
  }

  private static func table(
    _ measures: [Measure], _ figure: (Int) -> Estimate?
  ) -> [Measure: Estimate] {
    Dictionary(
      uniqueKeysWithValues: measures.indices.compactMap { column in
        figure(column).map { (measures[column], $0) }
      })
  }
}
