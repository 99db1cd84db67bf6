import Drawing
import Pipelines
import SystemPackage
import TestSupport
import Testing

@Suite("A plan for drawing")
struct DrawingPlanTests {
  private func request(_ model: String = "tiny-flux") -> DrawingRequest {
    DrawingRequest(model: Fixtures.model(model), prompts: ["a red star"], width: 96, height: 96)
  }

  @Test("warns of a preset for another family and takes the preset's guidance scale")
  func presetOfAnotherFamily() throws {
    var request = request("tiny-qwen-image")
    request.schedule = "schnell-4"
    let plan = try DrawingPlan(request)
    #expect(
      plan.notes == [
        "--schedule schnell-4: a preset for FLUX.1, and this model is Qwen-Image; its steps may "
          + "not suit it"
      ])
    #expect(plan.cfg == 1)
    #expect(plan.passesPerPicture == 4)
  }
}
