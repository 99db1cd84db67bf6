import JSON
import Safetensors
import Schedules
import Tensors
import TestSupport
import Testing

@Suite("A walk")
struct WalkTests {
  static func published(
    _ configuration: SchedulerConfiguration, tokens: Int
  ) throws -> Walk {
    let schedule = try PhaseScheduleTests.schedule("glance-5+5", tokens: tokens, configuration)
    return try schedule.publishedWalk(configuration: configuration, tokens: tokens)
  }

  @Test func ofAScheduleTellsTheModelWhereTheStepStarts() throws {
    let walk = try PhaseScheduleTests.schedule("glance-5+5").walk
    #expect(walk.steps.count == 10)
    for (step, next) in zip(walk.steps, walk.steps.dropFirst()) {
      #expect(step.modelSigma == step.from)
      #expect(step.to == next.from)
    }
    #expect(walk.steps.first?.from == 1)
    #expect(walk.steps.last?.to == 0)
    #expect(abs(walk.steps.reduce(0) { $0 + Double($1.delta) } + 1) < 1e-7)
  }

  @Test func ofARecordingHasItsSigmas() throws {
    for family in ["flux", "qwen"] {
      let walk = try PhaseScheduleTests.schedule(
        "glance-5+5", tokens: 36, Schedulers.named(family)
      ).walk
      let recorded = try Goldens.open(family, "samples.safetensors")
        .tensor(named: "slowfast_sigmas").floats()
      #expect(largestDifference(walk.steps.map(\.from) + [0], recorded) <= 1e-6)
    }
  }

  /// Told, from, to of every step of the published sampler on Qwen-Image at 1024 × 1024.
  static let table: [(told: Float, from: Float, to: Float, phase: Phase)] = [
    (1.000, 1.0000, 0.9897, .slow), (0.980, 0.9897, 0.9792, .slow),
    (0.956, 0.9792, 0.9685, .slow), (0.936, 0.9685, 0.9575, .slow),
    (0.912, 0.9575, 0.9463, .slow),
    (0.888, 1.0000, 0.8367, .fast), (0.744, 0.8367, 0.6326, .fast),
    (0.564, 0.6326, 0.3701, .fast), (0.320, 0.3701, 0.0200, .fast),
    (0.020, 0.0200, 0, .fast),
  ]

  @Test func asPublishedUsesTwoTablesAndRestartsAtOne() throws {
    let walk = try WalkTests.published(Schedulers.qwen, tokens: 4096)
    #expect(walk.steps.count == WalkTests.table.count)
    for (step, row) in zip(walk.steps, WalkTests.table) {
      // Timesteps in bfloat16 are exact; 20.0 is 0.02 of 1000. The table has four decimals.
      #expect(abs(step.modelSigma - row.told) < 1e-7)
      #expect(abs(step.from - row.from) <= 5.1e-5)
      #expect(abs(step.to - row.to) <= 5.1e-5)
      #expect(step.phase == row.phase)
    }
    let sums = [Phase.slow, .fast].map { phase in
      walk.steps.filter { $0.phase == phase }.reduce(0) { $0 + $1.delta }
    }
    #expect(abs(sums[0] + 0.0537) <= 5.1e-5)
    #expect(abs(sums[1] + 1) <= 1e-6)
  }

  @Test func portedToFluxIsOneStepLateInTheFastPhase() throws {
    let walk = try WalkTests.published(Schedulers.flux, tokens: 4096)
    let slow = walk.steps.prefix(5)
    #expect(abs(slow.reduce(0) { $0 + $1.delta } + 0.0340) <= 5.1e-5)
    let fast = walk.steps.suffix(5)
    #expect(
      largestDifference(fast.map(\.from), [1, 0.9266, 0.8257, 0.6780, 0.4412]) <= 5.1e-5)
    #expect(
      largestDifference(fast.map(\.modelSigma), [0.928, 0.824, 0.676, 0.442, 0.0605]) <= 1e-7)
    #expect(fast.last?.to == 0)
    // At 512 × 512 the last step is shorter.
    let small = try WalkTests.published(Schedulers.flux, tokens: 1024)
    #expect(abs(try #require(small.steps.last).from - 0.319) <= 5.1e-4)
  }

  @Test func asPublishedNeedsTwoPhases() throws {
    let schedule = try PhaseScheduleTests.schedule("teacher:10")
    let error = try #require(throws: ScheduleError.self) {
      try schedule.publishedWalk(configuration: Schedulers.qwen, tokens: 36)
    }
    #expect(
      error.description
        == "--compat: expected a schedule with a slow and a fast phase, found phases single")
  }
}

@Suite("A training item's noise")
struct TrainingNoiseTests {
  @Test func isWhatTheModelIsTold() {
    let noise = TrainingNoise(sigma: 0.75)
    #expect(noise.sigma == 0.75 && noise.modelSigma == 0.75)
  }

  /// Timesteps in bfloat16 as recorded, and the training sigma: the table's nearest entry.
  @Test("follows the published code's rounding", arguments: ["flux", "qwen"])
  func published(family: String) throws {
    let configuration = Schedulers.named(family)
    let json = try Goldens.json(family, "published_timesteps.json")
    let schedule = try PhaseScheduleTests.schedule("glance-5+5", configuration)
    for phase in schedule.phases {
      let expected = try #require(json[phase.name]?["bf16"]?.array).compactMap(\.double)
      let entries = schedule.entries[schedule.indices(of: phase)]
      for (entry, timestep) in zip(entries, expected) {
        let noise = TrainingNoise(publishedFor: entry.sigma, configuration: configuration)
        // A bfloat16 number near 1 is within 2^-9 of what it rounds.
        #expect(abs(noise.modelSigma - Float(timestep) / 1000) <= Float(timestep) / 1000 * 0x1p-8)
        // 60.5 lies between two entries and takes the larger one.
        let entry = timestep == 60.5 ? 61 : timestep
        #expect(abs(noise.sigma - Float(entry) / 1000) <= Float(entry) / 1000 * 0x1p-8)
      }
    }
  }

  @Test func takesTheLargerOfTwoEntriesEquallyNear() {
    let noise = TrainingNoise(publishedFor: 0.0605503, configuration: Schedulers.flux)
    // 0.061 and 0.0605 in bfloat16.
    #expect(noise.sigma == 0.061_035_156_25)
    #expect(noise.modelSigma == 0.060_546_875)
  }

  @Test func findsTheEntryInATableBentByAFixedShift() {
    let configuration = SchedulerConfiguration(shift: .fixed(3))
    let noise = TrainingNoise(publishedFor: 0.5, configuration: configuration)
    // Entry 250 of the table is 3 · 0.25 / (1 + 2 · 0.25) = 0.5; unbent, it would be entry 500.
    #expect(noise.sigma == 0.5 && noise.modelSigma == 0.5)
    let other = TrainingNoise(publishedFor: 0.75, configuration: configuration)
    // 750 is 752 in bfloat16; the nearest entry is the 503rd, 0.752243, which is 193/256.
    #expect(other.sigma == 0.753_906_25)
  }
}

@Suite("An order of visits")
struct VisitOrderTests {
  @Test("comes to every step once a round", arguments: [1, 2, 5, 7])
  func rounds(count: Int) {
    let order = VisitOrder(.stratified, count: count, seed: 3)
    let visits = (0..<count * 40).map(order.index(ofVisit:))
    for round in 0..<40 {
      #expect(Set(visits[round * count..<(round + 1) * count]) == Set(0..<count))
    }
  }

  @Test func changesFromRoundToRoundAndWithTheSeed() {
    let first = VisitOrder(.stratified, count: 5, seed: 1)
    let rounds = Set((0..<40).map { round in (0..<5).map { first.index(ofVisit: round * 5 + $0) } })
    // 40 draws from 120 orders: about 34 differ.
    #expect(rounds.count > 20)
    let second = VisitOrder(.stratified, count: 5, seed: 2)
    let visits = 0..<60
    #expect(visits.map(first.index(ofVisit:)) != visits.map(second.index(ofVisit:)))
    #expect(visits.map(first.index(ofVisit:)) == visits.map(first.index(ofVisit:)))
  }

  @Test func eachPlaceInARoundIsEvenlyShared() {
    let order = VisitOrder(.stratified, count: 5, seed: 9)
    var counts = Array(repeating: 0, count: 5)
    for round in 0..<2000 { counts[order.index(ofVisit: round * 5)] += 1 }
    // 400 expected, standard deviation 18; five of them.
    #expect(counts.allSatisfy { abs($0 - 400) < 90 })
  }

  @Test func atRandomLeavesGapsButNoBias() {
    let order = VisitOrder(.random, count: 5, seed: 4)
    var counts = Array(repeating: 0, count: 5)
    for visit in 0..<2000 { counts[order.index(ofVisit: visit)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 400) < 90 })
    let rounds = (0..<100).filter { round in
      Set((0..<5).map { order.index(ofVisit: round * 5 + $0) }).count == 5
    }
    // 5!/5^5 = 4 % of rounds visit every step.
    #expect(rounds.count < 20)
  }
}
