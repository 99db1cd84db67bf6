public import SystemPackage

/// The scores of arms, and what share of the teacher's each is.
public struct ScoreTable: Sendable {
  /// The scores of an arm.
  public struct Arm: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Its scores.
    public let scores: [BenchmarkScore]
  }

  /// A measure that some arm has.
  public struct Measure: Sendable, Equatable {
    /// The benchmark.
    public let benchmark: String
    /// What it measures.
    public let metric: String
    /// Whether the benchmark is quoted by it.
    public let isOverall: Bool
    /// Whether less is better.
    public let isDistance: Bool
  }

  /// The arms, in the order in which they were named.
  public let arms: [Arm]
  /// The arm that ratios are to.
  public let teacher: String

  /// Reads score files.
  ///
  /// - Parameters:
  ///   - files: an arm's name and a file or folder; an arm may have several.
  ///   - teacher: the arm that ratios are to.
  /// - Throws: ``BenchmarkError`` for a file that is none of scores, a score that is there twice, and a
  ///   teacher without scores.
  public init(_ files: [(arm: String, file: FilePath)], teacher: String) throws {
    var arms: [Arm] = []
    for (name, file) in files {
      let place = arms.firstIndex { $0.name == name } ?? arms.count
      let known = place < arms.count ? arms[place].scores : []
      let scores = try ScoreFile.scores(in: file, arm: name)
      for score in scores where known.contains(where: { $0.isSame(score) }) {
        throw BenchmarkError.wrong(
          file: file, expected: "scores that '\(name)' has not yet",
          found: "\(score.benchmark), \(score.metric) again")
      }
      let arm = Arm(name: name, scores: known + scores)
      if place < arms.count { arms[place] = arm } else { arms.append(arm) }
    }
    self.arms = arms.map { arm in
      Arm(name: arm.name, scores: OneIGScores.overall(of: arm.scores) + arm.scores)
    }
    self.teacher = teacher
    guard arms.contains(where: { $0.name == teacher }) else {
      throw BenchmarkError.invalid(
        source: "the teacher's name",
        expected: "one of the arms (\(arms.map(\.name).joined(separator: ", ")))",
        found: "'\(teacher)'")
    }
  }

  /// What was measured, a benchmark after the other, each with its overall score first.
  public var measures: [Measure] {
    var found: [Measure] = []
    for score in arms.flatMap(\.scores) where !found.contains(where: { $0.isOf(score) }) {
      found.append(
        Measure(
          benchmark: score.benchmark, metric: score.metric, isOverall: score.isOverall,
          isDistance: score.isDistance))
    }
    var benchmarks: [String] = []
    for measure in found where !benchmarks.contains(measure.benchmark) {
      benchmarks.append(measure.benchmark)
    }
    return benchmarks.flatMap { name in
      let own = found.filter { $0.benchmark == name }
      return own.filter(\.isOverall) + own.filter { !$0.isOverall }
    }
  }

  /// An arm's score; nil where it has none.
  public func score(_ arm: String, _ measure: Measure) -> Double? {
    arms.first { $0.name == arm }?.scores.first { measure.isOf($0) }?.value
  }

  /// What share of the teacher's score an arm's is; nil where one of them has none or the teacher's is 0.
  public func ratio(_ arm: String, _ measure: Measure) -> Double? {
    guard let own = score(arm, measure), let whole = score(teacher, measure), whole != 0 else {
      return nil
    }
    return own / whole
  }

  /// What the method's paper reports as the share of its teacher's score, of a benchmark's overall one.
  public func publishedRatio(_ measure: Measure) -> (name: String, ratio: Double)? {
    guard measure.isOverall else { return nil }
    return BenchmarkLayout.all.first { $0.title == measure.benchmark }?.published
  }
}

extension ScoreTable.Measure {
  fileprivate func isOf(_ score: BenchmarkScore) -> Bool {
    benchmark == score.benchmark && metric == score.metric
  }
}

extension BenchmarkScore {
  fileprivate func isSame(_ other: BenchmarkScore) -> Bool {
    benchmark == other.benchmark && metric == other.metric
  }
}
