/// What was measured of an arm's pictures.
public struct MeasuredArm: Sendable {
  /// What was measured of one of its runs.
  struct Run: Sendable {
    /// Each of its pictures, prompt after prompt.
    let pictures: [PictureMeasures]
    /// How far the latents of each prompt are apart; nil with one seed.
    let spreads: [Double?]
    /// What the Fréchet distance compares, of each picture.
    let features: [[Double]]
  }

  /// The arm.
  public let arm: Arm
  /// Its runs, in the arm's order.
  let runs: [Run]
  /// What the Fréchet distance compares: the pictures of all runs.
  let features: FeatureSet

  init(arm: Arm, runs: [Run]) {
    self.arm = arm
    self.runs = runs
    features = FeatureSet(rows: runs.flatMap(\.features))
  }

  /// Every picture with the place of its run.
  var numberedPictures: [(run: Int, picture: PictureMeasures)] {
    runs.indices.flatMap { run in runs[run].pictures.map { (run, $0) } }
  }

  /// Mean seconds of a walk.
  public var secondsPerPicture: Double {
    let pictures = numberedPictures
    return pictures.reduce(0) { $0 + $1.picture.seconds } / Double(pictures.count)
  }

  /// What every picture of every run adds to the two sums of a measure, `[runs][pictures]`.
  func terms(of measure: Measure, teacher: MeasuredArm) -> [[Resampling.Term]] {
    runs.map { run in
      run.pictures.map { picture in
        guard measure == .diversity else { return measure.terms(of: picture) }
        // Each prompt's spread counts once, however many pictures it has.
        guard let own = run.spreads[picture.prompt],
          let other = teacher.runs[0].spreads[picture.prompt]
        else { return (0, 0) }
        return (own, other)
      }
    }
  }
}
