import Drawing
import SystemPackage
import TestSupport
import Testing

@Suite("Seeds that follow each other")
struct SeedTests {
  private func request(seed: UInt64, count: Int) -> DrawingRequest {
    var request = DrawingRequest(
      model: Fixtures.model("tiny-flux"), prompts: ["a red star", "a blue star"], width: 32,
      height: 32)
    (request.seed, request.picturesPerPrompt) = (seed, count)
    return request
  }

  @Test("don't begin anew at 0")
  func overflow() throws {
    let last = try DrawingPlan(request(seed: .max - 2, count: 3))
    #expect((0..<3).map { last.seed(ofPicture: $0) } == [.max - 2, .max - 1, .max])
    expectRefusal(
      DrawingError.self,
      saying: "--seed: expected seeds up to 18446744073709551615 for 3 pictures of a prompt, found "
        + "18446744073709551614"
    ) { try DrawingPlan(request(seed: .max - 1, count: 3)) }
  }

  @Test("a prompt with an adapter in another program's words is told to be a text")
  func adapterInPrompt() throws {
    var request = request(seed: 0, count: 1)
    request.prompts = ["a red star <lora:cat:0.5>"]
    #expect(
      try DrawingPlan(request).notes == [
        "'<lora:' in a prompt is text like any other: adapters are --adapter FILE:STRENGTH"
      ])
  }
}
