import ExpertTraining
import Schedules
import SystemPackage
import TestSupport
import Testing

@Suite("A schedule that goes back under new noise")
struct RenoisingScheduleTests {
  @Test func isNoneToTrainExpertsFor() throws {
    let sample = SampleSource(
      image: Fixtures.model("sample").appending("00.png"), caption: "a small blue circle")
    let request = ExpertRequest(
      model: Fixtures.model("tiny-flux"), samples: [sample],
      schedule: ScheduleRequest(try ScheduleRecipe(parsing: "dmd2-4")))
    let error = #expect(throws: ExpertTrainingError.self) { try ExpertPlan(request) }
    #expect(
      error?.description
        == "--preset: expected a schedule of Euler steps, which experts are trained for, found "
        + "'dmd2-4', which goes back under new noise")
  }
}
