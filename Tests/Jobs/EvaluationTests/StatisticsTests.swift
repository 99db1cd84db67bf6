import Evaluation
import Testing

@Suite("Intervals")
struct IntervalTests {
  @Test("are numpy's percentiles")
  func percentiles() {
    // numpy.percentile(…, [2.5, 97.5])
    let estimate = Estimate(value: 3, replicates: [3.5, -1, 2, 8, 0.25, 4])
    #expect(estimate == Estimate(value: 3, interval: -0.84375...7.5))
  }

  @Test("leave out draws of which nothing can be said")
  func gaps() {
    #expect(
      Estimate(value: 1, replicates: [.nan, 2, 2, .infinity])
        == Estimate(value: 1, interval: 2...2))
    #expect(Estimate(value: 1, replicates: []) == Estimate(value: 1, interval: nil))
  }
}

@Suite("Prompts and seeds drawn anew")
struct ResamplingTests {
  private static let values: [Double] = [1, 4, 2, 8, 5, 7]

  @Test("scatter as means of as many numbers do")
  func scatter() {
    let ratios = Resampling(prompts: 6, seeds: 1, count: 10_000)
      .ratios([Self.values.map { ($0, 1) }])
    let mean = ratios.reduce(0, +) / 10_000
    let variance = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10_000
    // numpy: mean 4.5, v.std(ddof=1) / sqrt(6) = 1.118033988749895. Five standard errors of a mean of
    // 10,000, and five of a standard deviation, 1 / sqrt(20,000).
    #expect(abs(mean - 4.5) < 5 * 1.11803 / 100)
    #expect(abs(variance.squareRoot() - 1.11803) < 5 * 1.11803 / 141.4)
  }

  @Test("are the same every time, and for every arm")
  func repeats() {
    let terms = Self.values.map { ($0, 1.0) }
    let first = Resampling(prompts: 3, seeds: 2, count: 50).ratios([terms])
    #expect(first == Resampling(prompts: 3, seeds: 2, count: 50).ratios([terms]))
    // Paired: what differs by one everywhere differs by one in every draw.
    let other = Resampling(prompts: 3, seeds: 2, count: 50).ratios([terms.map { ($0.0 + 1, 1) }])
    for (one, two) in zip(first, other) { #expect(abs(two - one - 1) < 1e-12) }
  }

  @Test("draw seeds for all prompts together")
  func seeds() {
    // What depends on the seed alone is the mean of two draws of three.
    let ratios = Resampling(prompts: 2, seeds: 3, count: 400)
      .ratios([[(0, 1), (2, 1), (6, 1), (0, 1), (2, 1), (6, 1)]])
    #expect(Set(ratios) == [0, 1, 2, 3, 4, 6])
  }

  @Test("draw runs too, the same ones for every arm with as many")
  func runs() {
    let resampling = Resampling(prompts: 2, seeds: 1, count: 400)
    func pictures(_ value: Double) -> [Resampling.Term] { [(value, 1), (value, 1)] }
    // What depends on the run alone is one of two.
    let ratios = resampling.ratios([pictures(0), pictures(1)])
    #expect(Set(ratios) == [0, 1])
    #expect((150...250).contains(ratios.count { $0 == 0 }))
    #expect(resampling.ratios([pictures(5), pictures(7)]) == ratios.map { 5 + 2 * $0 })
    // One run has nothing to be drawn from.
    #expect(Set(resampling.ratios([pictures(3)])) == [3])
  }

  @Test("weigh what counts more")
  func weights() {
    let ratios = Resampling(prompts: 3, seeds: 1, count: 400).ratios([[(1, 1), (6, 3), (0, 0)]])
    // Nothing can be said where only the last is drawn.
    #expect(Set(ratios.filter { !$0.isNaN }) == [1, 7.0 / 4, 2])
  }

  @Test("leave one prompt as it is")
  func one() {
    #expect(Resampling(prompts: 1, seeds: 3, count: 100).ratios([[(1, 1), (1, 1), (1, 1)]]) == [])
  }
}
