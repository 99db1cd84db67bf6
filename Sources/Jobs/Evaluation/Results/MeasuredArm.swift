/// What was measured of an arm's pictures.
public struct MeasuredArm: Sendable {
  /// The arm.
  public let arm: Arm
  /// Each of its pictures, prompt after prompt.
  public let pictures: [PictureMeasures]
  /// How far the latents of each prompt are apart; nil with one seed.
  let spreads: [Double?]
  /// What the Fréchet distance compares.
  let features: FeatureSet

  /// Mean seconds of a walk.
  public var secondsPerPicture: Double {
    pictures.reduce(0) { $0 + $1.seconds } / Double(pictures.count)
  }

  /// What every picture adds to the two sums of a measure.
  func terms(of measure: Measure, teacher: MeasuredArm) -> [(sum: Double, weight: Double)] {
    pictures.map { picture in
      guard measure == .diversity else { return measure.terms(of: picture) }
      // Each prompt's spread counts once, however many pictures it has.
      guard let own = spreads[picture.prompt], let other = teacher.spreads[picture.prompt] else {
        return (0, 0)
      }
      return (own, other)
    }
  }
}
