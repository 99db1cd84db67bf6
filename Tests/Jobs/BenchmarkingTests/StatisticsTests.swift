import Benchmarking
import Testing

@Suite("Statistics of a benchmark")
struct StatisticsTests {
  @Test("the median is the middle, or the mean of the middle two")
  func median() {
    #expect([3.0, 1, 2].median == 2)
    #expect([4.0, 1, 3, 2].median == 2.5)
    #expect([Double]().median.isNaN)
  }

  private func timing(
    _ name: String, _ samples: [(Double, Double, Bool)], operations: Double? = nil
  ) -> Timing {
    Timing(
      name: name, operations: operations,
      samples: samples.map { Sample(wall: $0.0, cpu: $0.1, isQuiet: $0.2) })
  }

  @Test("only quiet rounds count, where there are any")
  func quiet() {
    let some = timing("a", [(9, 8, false), (2, 3, true), (4, 5, true)], operations: 8)
    #expect(some.wall == 3)
    #expect(some.cpu == 4)
    #expect(some.rate == 2)
    #expect(some.wasQuiet)
    let none = timing("a", [(9, 8, false), (2, 3, false), (4, 5, false)])
    #expect(none.wall == 4)
    #expect(none.rate == nil)
    #expect(!none.wasQuiet)
  }

  @Test("rates are held against the last one's, and so are times")
  func ratios() {
    let ours = timing("ours", [(1, 2, true)], operations: 12)
    let rival = timing("rival", [(4, 4, true)], operations: 12)
    let rates = Comparison("g", "n", basis: .rate, [ours, rival])
    #expect(rates.ratio(ours) == 2)
    #expect(rates.ratio(rival) == 1)
    #expect(Comparison("g", "n", basis: .wall, [ours, rival]).ratio(ours) == 0.25)
  }

  @Test("a summary is of a group's medians; groups of one have none")
  func summaries() {
    func comparison(_ group: String, _ cpu: Double) -> Comparison {
      Comparison(
        group, "\(cpu)", basis: .rate,
        [
          timing("ours", [(1, cpu, true)], operations: 8),
          timing("rival", [(1, 2, true)], operations: 8),
        ])
    }
    let summaries = Summary.all(of: [
      comparison("a", 1), comparison("a", 4), comparison("a", 2), comparison("b", 1),
    ])
    #expect(summaries.map(\.name) == ["ours", "rival"])
    #expect(summaries[0].rate == 4)
    #expect(summaries[0].ratio == 1)
    #expect(summaries[0].smallest == 0.5)
    #expect(summaries[0].largest == 2)
    #expect(summaries[1].smallest == 1)
    #expect(summaries[1].largest == 1)
  }
}
