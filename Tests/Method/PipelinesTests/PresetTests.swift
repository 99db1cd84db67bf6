import Pipelines
import Schedules
import TestSupport
import Testing

@Suite("A preset on a model")
struct PresetTests {
  private func warning(_ model: String, _ recipe: String) throws -> String? {
    try DiffusionPipeline(opening: Fixtures.model(model))
      .warning(about: ScheduleRecipe(parsing: recipe), option: "--preset")
  }

  @Test(
    "that it was not made for is warned of, naming both families",
    arguments: [
      (
        "tiny-flux", "lightning-4",
        "--preset lightning-4: a preset for Qwen-Image, and this model is FLUX.1; its steps may not "
          + "suit it"
      ),
      (
        "tiny-qwen-image", "schnell-4",
        "--preset schnell-4: a preset for FLUX.1, and this model is Qwen-Image; its steps may not "
          + "suit it"
      ),
    ])
  func otherFamily(model: String, preset: String, message: String) throws {
    #expect(try warning(model, preset) == message)
  }

  @Test(
    "of its own family, and other recipes, need no word",
    arguments: [
      ("tiny-flux", "schnell-4"), ("tiny-qwen-image", "lightning-8"), ("tiny-flux", "glance-5+5"),
      ("tiny-qwen-image", "glance-3+5"), ("tiny-flux", "teacher:4"), ("tiny-flux", "1,0.5"),
    ])
  func ownFamily(model: String, recipe: String) throws {
    #expect(try warning(model, recipe) == nil)
  }
}
