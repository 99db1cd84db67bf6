import Merging
import Testing

@Suite("What survived rounding")
struct SurvivalVerdictTests {
  /// A change of norm 1 of which so much is left, with noise of this size at right angles.
  private static func survival(_ left: Double, noise: Double) -> Survival {
    var survival = Survival()
    survival.wantedSquares = 1
    survival.survivedSquares = left * left + noise * noise
    survival.products = left
    survival.count = 1
    return survival
  }

  @Test(
    "is said in words",
    arguments: [
      (1, 0, .survives), (0.5, 0, .survives), (1, 0.14, .survives), (1, 0.15, .someNoise),
      (1, 0.48, .someNoise), (1, 0.49, .muchNoise), (1, 1, .muchNoise), (1, 1.03, .mostlyNoise),
      (5.3, 49, .mostlyNoise), (0, 0, .nothingSurvives),
    ] as [(Double, Double, SurvivalVerdict)])
  func verdict(left: Double, noise: Double, expected: SurvivalVerdict) {
    #expect(Self.survival(left, noise: noise).verdict == expected)
  }

  @Test("of a change of zero is neither all nor nothing")
  func nothingWanted() {
    let survival = Survival()
    #expect(survival.cosine == nil && survival.gain == nil)
    #expect(survival.verdict == .nothingWanted)
    #expect("\(survival.verdict)" == "nothing changed: the adapters change nothing")
  }
}
