/// A figure of an arm, and what it would be of prompts, seeds and runs drawn anew.
struct ResampledFigure: Sendable {
  private let value: Double
  private let replicates: [Double]

  /// Nil where the measure says nothing of the arm.
  init?(
    _ measure: Measure, of arm: MeasuredArm, teacher: MeasuredArm, isTeacher: Bool,
    latentRange: Double, _ resampling: Resampling
  ) {
    guard !(isTeacher && measure.isOfFidelity) else { return nil }
    let terms = arm.terms(of: measure, teacher: teacher)
    let all = terms.joined()
    let weight = all.reduce(0) { $0 + $1.weight }
    guard weight > 0 else { return nil }
    func figure(_ mean: Double) -> Double {
      measure.figure(ofMean: mean, latentRange: latentRange)
    }
    value = figure(all.reduce(0) { $0 + $1.sum } / weight)
    replicates = resampling.ratios(terms).map(figure)
  }

  /// The figure with its interval.
  var estimate: Estimate { Estimate(value: value, replicates: replicates) }

  /// This less another, draw by draw.
  func difference(from other: ResampledFigure) -> Estimate {
    Estimate(
      value: value - other.value, replicates: zip(replicates, other.replicates).map { $0 - $1 })
  }
}
