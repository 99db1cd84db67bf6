import JSON
import Safetensors
import Schedules
import Tensors
import TestSupport
import Testing

/// The families' schedulers, as their published configuration files have them.
enum Schedulers {
  static let flux = SchedulerConfiguration(
    shift: .dynamic(
      .exponential,
      .init(baseTokens: 256, baseShift: 0.5, maxTokens: 4096, maxShift: 1.15)))
  static let qwen = SchedulerConfiguration(
    shift: .dynamic(
      .exponential,
      .init(baseTokens: 256, baseShift: 0.5, maxTokens: 8192, maxShift: 0.9)),
    shiftTerminal: 0.02)

  static func named(_ family: String) -> SchedulerConfiguration {
    family == "flux" ? flux : qwen
  }
}

/// Largest absolute difference; infinite when the counts differ.
func largestDifference(_ found: [Float], _ expected: [Float]) -> Float {
  guard found.count == expected.count else { return .infinity }
  return zip(found, expected).map { abs($0 - $1) }.max() ?? 0
}

@Suite("The teacher's grid")
struct NoiseScheduleTests {
  static let families = ["flux", "qwen"]
  static let sizes: [(height: Int, width: Int)] = [
    (96, 96), (128, 128), (96, 160), (256, 256), (512, 512), (1024, 1024), (928, 1664),
    (768, 1360),
  ]

  @Test("equals the recorded one of 50 steps at every size", arguments: families, sizes)
  func recorded(family: String, size: (height: Int, width: Int)) throws {
    let goldens = try Goldens.open(family, "schedule.safetensors")
    let key = "\(size.height)x\(size.width)"
    let tokens = size.height / 16 * (size.width / 16)
    let grid = try NoiseSchedule(
      steps: 50, tokens: tokens, configuration: Schedulers.named(family))
    let mu = try goldens.tensor(named: "\(key).mu").floats()[0]
    #expect(abs(try #require(grid.mu) - Double(mu)) < 1e-6)
    // The recording computes in binary32; half a unit in the last place of 1 is 6e-8.
    let sigmas = try goldens.tensor(named: "\(key).sigmas").floats()
    #expect(largestDifference(grid.sigmas + [0], sigmas) <= 1e-6)
    let timesteps = try goldens.tensor(named: "\(key).timesteps").floats()
    #expect(largestDifference(grid.timesteps, timesteps) <= 1e-3)
  }

  @Test("equals the recorded ones of few steps", arguments: families, [8, 10])
  func fewSteps(family: String, steps: Int) throws {
    let goldens = try Goldens.open(family, "schedule.safetensors")
    let grid = try NoiseSchedule(
      steps: steps, tokens: 36, configuration: Schedulers.named(family))
    let sigmas = try goldens.tensor(named: "96x96.uniform\(steps).sigmas").floats()
    #expect(largestDifference(grid.sigmas + [0], sigmas) <= 1e-6)
  }

  @Test("has the published timesteps at 1024 x 1024", arguments: families)
  func published(family: String) throws {
    let json = try Goldens.json(family, "published_timesteps.json")
    let grid = try NoiseSchedule(
      steps: 50, tokens: 4096, configuration: Schedulers.named(family))
    for (phase, steps) in [("slow", [0, 2, 4, 6, 8]), ("fast", [10, 20, 30, 40, 49])] {
      let list = try #require(json[phase]?["published"]?.array).compactMap(\.double)
      // The lists have four decimals (5e-5), binary32 near 1000 steps by 6e-5.
      #expect(largestDifference(steps.map { grid.timesteps[$0] }, list.map(Float.init)) <= 2e-4)
    }
  }

  @Test func steppingOnceGoesFromNoiseToNothing() throws {
    let grid = try NoiseSchedule(steps: 1, tokens: 36, configuration: Schedulers.qwen)
    #expect(grid.sigmas == [1])
    #expect(grid.sigma(afterStep: 0) == 0)
  }

  @Test func twoStepsEndAtTheTerminalSigma() throws {
    let grid = try NoiseSchedule(steps: 2, tokens: 36, configuration: Schedulers.qwen)
    #expect(grid.sigmas == [1, 0.02])
  }

  @Test func aLinearShiftUsesMuItself() throws {
    let configuration = SchedulerConfiguration(
      shift: .dynamic(
        .linear, .init(baseTokens: 256, baseShift: 2, maxTokens: 4096, maxShift: 2)))
    let grid = try NoiseSchedule(steps: 2, tokens: 1000, configuration: configuration)
    // 2 / (2 + 1/0.5 − 1)
    #expect(largestDifference(grid.sigmas, [1, 2.0 / 3]) < 1e-7)
  }

  @Test("refuses step counts that make no grid", arguments: [0, -1, 1001])
  func stepCounts(steps: Int) {
    #expect(
      throws: ScheduleError.invalid(
        source: "--teacher-steps", expected: "1 to 1000 steps", found: "\(steps)")
    ) {
      try NoiseSchedule(
        steps: steps, tokens: 36, configuration: Schedulers.flux, source: "--teacher-steps")
    }
  }

  @Test func aSizeWhereSigmasCoincideIsRefused() {
    // mu is over 40 here: e^mu leaves no difference between the sigmas.
    expectRefusal(
      ScheduleError.self,
      saying: "50 steps at 250000 tokens: 1.0 follows 1.0, expected sigmas that fall"
    ) {
      try NoiseSchedule(steps: 50, tokens: 250_000, configuration: Schedulers.flux)
    }
  }

  @Test(
    "has the logarithms of the signal-to-noise ratio that the boundary is given in",
    arguments: [(0.9113, -4.66), (0.8867, -4.12), (0.9, -4.39), (0.5, 0)])
  func signalToNoise(sigma: Double, expected: Double) {
    #expect(abs(SignalToNoise.logRatio(sigma: sigma) - expected) < 0.006)
    let back = SignalToNoise.sigma(logRatio: SignalToNoise.logRatio(sigma: sigma))
    #expect(abs(back - sigma) < 1e-12)
  }
}
