internal import Elements

/// Prompts, seeds and runs drawn anew, with replacement, again and again: how often each is in each draw. The
/// same draws for every arm with as many runs, so that differences of arms are paired.
///
/// Of n there are n - 1 drawn, so that draws vary as much as means of n do: n of them vary too little by
/// (n - 1) / n, which is a third of three seeds.
///
/// **Source:** Rao and Wu, "Resampling inference with complex survey data" (1988), section 2, m = n - 1.
package struct Resampling: Sendable {
  /// What a picture adds to the two sums of a figure.
  package typealias Term = (sum: Double, weight: Double)

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
        let isLast = place == prompts - 1 || place == width - 1
        guard !isLast || (!isPrompt && seeds == 1) else { continue }
        let pick = stream.integer(below: isPrompt ? prompts : seeds, at: UInt64(place))
        counts[draw * width + (isPrompt ? pick : prompts + pick)] += 1
      }
    }
    self.counts = counts
  }

  /// The ratio of two sums over the pictures of all runs, in every draw; NaN where nothing counts.
  ///
  /// - Parameter terms: of each run's pictures, prompt after prompt, `[runs][prompts · seeds]`.
  /// - Returns: a ratio a draw.
  package func ratios(_ terms: [[Term]]) -> [Double] {
    precondition(terms.allSatisfy { $0.count == prompts * seeds }, "one term a picture")
    return (0..<count).map { draw in
      var total: Term = (0, 0)
      for run in runs(terms.count, inDraw: draw) { add(terms[run], inDraw: draw, to: &total) }
      return total.sum / total.weight
    }
  }

  /// Which runs a draw has; one alone stays.
  private func runs(_ count: Int, inDraw draw: Int) -> [Int] {
    guard count > 1 else { return [0] }
    let stream = RandomStream(seed: 0, purpose: .resampling, step: UInt32(draw))
    return (0..<count - 1).map { stream.integer(below: count, at: UInt64(prompts + seeds + $0)) }
  }

  private func add(_ terms: [Term], inDraw draw: Int, to total: inout Term) {
    let width = prompts + seeds
    for prompt in 0..<prompts {
      let often = counts[draw * width + prompt]
      guard often > 0 else { continue }
      for seed in 0..<seeds {
        let times = often * counts[draw * width + prompts + seed]
        total.sum += times * terms[prompt * seeds + seed].sum
        total.weight += times * terms[prompt * seeds + seed].weight
      }
    }
  }
}
