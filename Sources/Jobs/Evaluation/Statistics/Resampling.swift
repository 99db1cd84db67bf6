internal import Elements

/// Prompts and seeds drawn anew, with replacement, again and again: how often each is in each draw. The
/// same draws for every arm, so that differences of arms are paired.
package struct Resampling: Sendable {
  /// Draws.
  package let count: Int
  private let prompts: Int
  private let seeds: Int
  /// For each draw, how often it has each prompt and then each seed.
  private let counts: [Double]

  /// - Parameters:
  ///   - prompts: how many there are; of one alone nothing can be drawn anew.
  ///   - seeds: how many there are; one stays.
  ///   - count: draws.
  package init(prompts: Int, seeds: Int, count: Int) {
    self.prompts = prompts
    self.seeds = seeds
    self.count = prompts > 1 ? count : 0
    let width = prompts + seeds
    var counts = [Double](repeating: 0, count: self.count * width)
    for draw in 0..<self.count {
      let stream = RandomStream(seed: 0, purpose: .resampling, step: UInt32(draw))
      for place in 0..<width {
        let isPrompt = place < prompts
        let pick = stream.integer(below: isPrompt ? prompts : seeds, at: UInt64(place))
        counts[draw * width + (isPrompt ? pick : prompts + pick)] += 1
      }
    }
    self.counts = counts
  }

  /// The ratio of two sums over pictures, in every draw; NaN where nothing counts.
  ///
  /// - Parameter terms: of each picture, prompt after prompt, `[prompts · seeds]`.
  /// - Returns: a ratio a draw.
  package func ratios(_ terms: [(sum: Double, weight: Double)]) -> [Double] {
    precondition(terms.count == prompts * seeds, "one term a picture")
    let width = prompts + seeds
    return (0..<count).map { draw in
      var (sum, weight) = (0.0, 0.0)
      for prompt in 0..<prompts {
        let often = counts[draw * width + prompt]
        guard often > 0 else { continue }
        for seed in 0..<seeds {
          let times = often * counts[draw * width + prompts + seed]
          sum += times * terms[prompt * seeds + seed].sum
          weight += times * terms[prompt * seeds + seed].weight
        }
      }
      return sum / weight
    }
  }
}
