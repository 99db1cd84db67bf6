#if canImport(Glibc)
  internal import Glibc
#endif

/// Times several things against each other: once a round each, so that whatever disturbs the machine for
/// a while disturbs all of them.
public final class Stopwatch {
  /// How often everything is timed.
  public let rounds: Int
  /// How often a run is repeated that somebody disturbed.
  private let tries: Int
  /// How often it is looked whether the processors have become quiet, a hundredth of a second apart.
  private let patience: Int
  private let probe: (() -> Double)?
  private let clock: () -> Moment
  private var gate = QuietGate()

  /// A stopwatch.
  ///
  /// - Parameters:
  ///   - rounds: how often everything is timed.
  ///   - isGated: whether runs wait for quiet processors.
  ///   - tries: how often a run is made, where somebody disturbs it.
  public convenience init(rounds: Int, isGated: Bool, tries: Int = 3) {
    var probe: (() -> Double)?
    if isGated { probe = { CoreProbe.rate() } }
    self.init(
      rounds: rounds, tries: isGated ? tries : 1, patience: 50, probe: probe,
      clock: { Moment.now })
    // What the loop does when it is undisturbed, as far as a moment can tell.
    if isGated { for _ in 0..<20 { _ = isQuiet() } }
  }

  /// A stopwatch with a clock and a loop of its own, for tests.
  package init(
    rounds: Int, tries: Int, patience: Int, probe: (() -> Double)?,
    clock: @escaping () -> Moment
  ) {
    self.rounds = rounds
    self.tries = tries
    self.patience = patience
    self.probe = probe
    self.clock = clock
  }

  /// The order of so many contenders in a round: each round begins with another, so that none always
  /// follows the same one.
  package static func order(of count: Int, inRound round: Int) -> [Int] {
    (0..<count).map { ($0 + round) % count }
  }

  /// Times contenders.
  ///
  /// - Parameters:
  ///   - contenders: which.
  ///   - isWarm: whether they have run before; else each runs once that isn't counted.
  /// - Returns: a timing for each, in their order.
  /// - Throws: what they throw.
  package func time(_ contenders: [Contender], isWarm: Bool = false) throws -> [Timing] {
    if !isWarm { for contender in contenders { _ = try run(contender) } }
    var samples = [[Sample]](repeating: [], count: contenders.count)
    for round in 0..<rounds {
      for index in Self.order(of: contenders.count, inRound: round) {
        samples[index].append(try sample(contenders[index]))
      }
    }
    return zip(contenders, samples).map { contender, samples in
      Timing(
        name: contender.name, isRival: contender.isRival, operations: contender.operations,
        bytes: contender.bytes, memory: contender.memory, samples: samples)
    }
  }

  /// A run at a quiet moment, or the last of some that were none.
  private func sample(_ contender: Contender) throws -> Sample {
    var sample = try settledRun(contender)
    for _ in 1..<max(tries, 1) where !sample.isQuiet { sample = try settledRun(contender) }
    return sample
  }

  private func settledRun(_ contender: Contender) throws -> Sample {
    var wasQuiet = isQuiet()
    for _ in 0..<patience where !wasQuiet {
      usleep(10_000)
      wasQuiet = isQuiet()
    }
    let sample = try run(contender)
    return Sample(wall: sample.wall, cpu: sample.cpu, isQuiet: wasQuiet && isQuiet())
  }

  private func run(_ contender: Contender) throws -> Sample {
    try contender.prepare()
    defer { contender.finish() }
    switch contender.run {
    case .here(let run):
      let begin = clock()
      try run()
      let end = clock()
      return Sample(wall: end.wall - begin.wall, cpu: end.cpu - begin.cpu, isQuiet: true)
    case .elsewhere(let run):
      let took = try run()
      return Sample(wall: took.wall, cpu: took.cpu, isQuiet: true)
    }
  }

  private func isQuiet() -> Bool { probe.map { gate.admits($0()) } ?? true }
}
