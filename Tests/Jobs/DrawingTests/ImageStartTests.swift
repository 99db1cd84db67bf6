import Compute
import Drawing
import JSON
import Pictures
import Safetensors
import Schedules
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A picture to start from")
struct ImageStartTests {
  private static let recording = Fixtures.folder.appending("image-start.safetensors")
  private static let picture = Fixtures.model("sample").appending("00.png")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func request(strength: Double, schedule: String = "teacher:8") throws -> DrawingRequest {
    let noise = folder.path.appending("noise.safetensors")
    let recorded = try SafetensorsFile(opening: Self.recording).tensor(named: "noise")
    try writeSafetensors([recorded.named("latents")], to: noise, overwrite: true)
    var request = DrawingRequest(
      model: Fixtures.model("tiny-flux"), prompts: ["a small red circle on a white background"])
    request.schedule = schedule
    request.image = .init(file: Self.picture, strength: strength)
    request.latents = noise
    return request
  }

  /// `tools/record-image-start`: FluxImg2ImgPipeline of diffusers 0.42.1. Both compute in float32,
  /// whose roundings grow over the autoencoder, the text encoders and five steps.
  @Test("is put under noise, and walked on from, as diffusers does")
  func parity() throws {
    let plan = try DrawingPlan(request(strength: 0.6))
    #expect(plan.walk.steps.count == 5)
    #expect(plan.size.width == 96 && plan.size.height == 96)
    let expected = try SafetensorsFile(opening: Self.recording).tensor(named: "latents")
    #expect(try relativeError(latent(plan), expected.floats()) < 1e-5)
  }

  @Test("is all noise at strength 1, and hardly any of it at a small one")
  func strengths() throws {
    var plain = try request(strength: 1)
    let whole = try latent(DrawingPlan(plain))
    plain.image = nil
    #expect(try whole == latent(DrawingPlan(plain)))
    let least = try DrawingPlan(request(strength: 0.01))
    #expect(least.walk.steps.count == 1)
    let all = try DrawingPlan(plain).schedule.sigmas
    #expect(least.schedule.sigmas == Array(all.suffix(1)))
  }

  @Test("leaves out the steps of a phase, and its experts, where nothing of it is left")
  func phases() throws {
    var request = try request(strength: 0.5, schedule: "slow=1,0.9|fast=0.5,0.3")
    request.adapters = [
      .init(file: try folder.adapter("slow.safetensors", phase: "slow")),
      .init(file: try folder.adapter("fast.safetensors", phase: "fast")),
    ]
    let plan = try DrawingPlan(request)
    #expect(plan.schedule.sigmas == [0.5, 0.3])
    #expect(plan.adapters.map { $0.file.lastComponent?.string } == ["fast.safetensors"])
    #expect(plan.notes.contains { $0.contains("its phase 'slow' has no step in this schedule") })
    // Drawn again, all of the schedule is asked for.
    #expect(plan.settings["schedule"]?.string == "1.0,0.9|0.5,0.3")
    #expect(plan.settings["image"]?["strength"]?.double == 0.5)
  }

  @Test("decides the size, with no more pixels than usual and whole tokens")
  func sizes() throws {
    func plan(_ width: Int, _ height: Int) throws -> DrawingPlan {
      let file = try folder.write(
        Picture(
          width: width, height: height, pixels: [UInt8](repeating: 9, count: 3 * width * height)
        ).png(texts: []), to: "\(width)x\(height).png")
      var request = DrawingRequest(model: Fixtures.model("tiny-flux"), prompts: ["a"])
      request.schedule = "teacher:2"
      request.image = .init(file: file, strength: 0.5)
      return try DrawingPlan(request)
    }
    let small = try plan(50, 34).size
    #expect(small.width == 48 && small.height == 32)
    // 96 x 96 pixels in these proportions are 192 x 48.
    let wide = try plan(400, 100).size
    #expect(wide.width == 192 && wide.height == 48)
  }
}
