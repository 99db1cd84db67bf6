import ExpertTraining
import Failures
import Testing

@Suite("What numbers of a training run may be")
struct TrainingLimitTests {
  @Test(
    "whole numbers are written as such",
    arguments: [
      (TrainingLimit.steps, 0, "--steps: expected a whole number from 1 to 10000000, found 0"),
      (.rank, 4097, "--rank: expected a whole number from 1 to 4096, found 4097"),
      (.batch, -1, "--batch: expected a whole number from 1 to 4096, found -1"),
      (.warmup, -5, "--warmup: expected a whole number from 0 to 10000000, found -5"),
      (.saveEvery, -1, "--save-every: expected a whole number from 0 to 10000000, found -1"),
      (.textTokens, 0, "--text-tokens: expected a whole number from 1 to 4096, found 0"),
    ])
  func wholeNumbers(limit: TrainingLimit, value: Int, message: String) {
    let error = #expect(throws: ExpertTrainingError.self) { try limit.check(value) }
    #expect(error?.description == message)
    #expect(error?.failureKind == .usage)
  }

  @Test(
    "other numbers have readable bounds",
    arguments: [
      (TrainingLimit.lr, -1.0, "--lr: expected a number from 0 to 1000, found -1.0"),
      (.beta2, 1, "--beta2: expected a number from 0 to 0.9999999, found 1.0"),
      (.eps, 0, "--eps: expected a number from 1e-30 to 1, found 0.0"),
      (.captionDropout, .nan, "--caption-dropout: expected a number from 0 to 1, found nan"),
      (.guidance, .infinity, "--guidance: expected a number from 0 to 1000, found inf"),
    ])
  func numbers(limit: TrainingLimit, value: Double, message: String) {
    let error = #expect(throws: ExpertTrainingError.self) { try limit.check(value) }
    #expect(error?.description == message)
  }

  @Test func boundsAndNothingAreAllowed() throws {
    try TrainingLimit.steps.check(1)
    try TrainingLimit.steps.check(10_000_000)
    try TrainingLimit.lr.check(0.0)
    try TrainingLimit.rank.check(nil as Int?)
    try TrainingLimit.alpha.check(nil as Double?)
  }
}
