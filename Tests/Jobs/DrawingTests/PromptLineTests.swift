import Drawing
import Failures
import SystemPackage
import TestSupport
import Testing

@Suite("Lines of a file of prompts")
struct PromptLineTests {
  private func line(_ text: String) throws -> PromptLine {
    try PromptLine(parsing: text, source: "p.txt")
  }

  @Test("are a prompt, and how it is drawn")
  func options() throws {
    let all = try line("a red cat --n blurry, dark --w 64 --h 32 --d 7 --l 2.5 --g 3")
    #expect(all.prompt == "a red cat" && all.negative == "blurry, dark")
    #expect(all.width == 64 && all.height == 32 && all.seed == 7)
    #expect(all.cfg == 2.5 && all.guidance == 3)
    // Two dashes before a word belong to the text.
    #expect(try line("a sign -- says --help me").prompt == "a sign -- says --help me")
    #expect(try line("a --n not --this --d 1").negative == "not --this")
    #expect(try line("  a  ") == PromptLine("a"))
  }

  @Test(
    "are refused with what is wrong",
    arguments: [
      ("a --d -1", "p.txt: --d: expected a seed, 0 or more, found '-1'"),
      ("a --w 64", "p.txt: expected --w and --h together, found one of them"),
      (
        "a --w 65 --h 64",
        "p.txt: --w: expected a multiple of 16, found '65'"
      ),
      (
        "a --w 99984 --h 99984",
        "p.txt: expected at most 100 million pixels, found 99984x99984"
      ),
      ("a --l 0", "p.txt: --l: expected a number above 0 and up to 1000, found '0'"),
      (
        "a --s 20",
        "p.txt: expected --n, --w, --h, --d, --l or --g behind the prompt, found --s; steps are the schedule's"
      ),
      (" --d 4", "p.txt: expected a prompt before its options, found none"),
      ("--d 4", "p.txt: expected a prompt before its options, found none"),
      ("a --d 4 --d 5", "p.txt: expected --d once, found it twice"),
      (
        "a --fs 3",
        "p.txt: expected --n, --w, --h, --d, --l or --g behind the prompt, found --fs"
      ),
    ])
  func refusals(text: String, message: String) {
    let error = #expect(throws: DrawingError.self) { try line(text) }
    #expect(error?.description == message)
  }

  @Test("become one plan for all that are drawn in the same way, in the order of the lines")
  func batches() throws {
    var request = DrawingRequest(model: Fixtures.model("tiny-flux"), prompts: [])
    request.schedule = "teacher:1"
    request.picturesPerPrompt = 2
    request.seed = 3
    let lines = try [
      "a", "b --d 9", "c --w 32 --h 32", "d --l 2 --n e", "f --w 32 --h 32 --d 1",
    ].map(line)
    let batch = try DrawingBatch(request, lines: lines)
    #expect(batch.pictureCount == 10)
    #expect(batch.parts.map(\.places) == [[0, 1, 2, 3], [4, 5, 8, 9], [6, 7]])
    #expect(batch.parts.map { $0.plan.size.width } == [96, 32, 96])
    #expect(batch.parts.map { $0.plan.cfg } == [1, 1, 2])
    #expect(batch.parts[2].plan.negative == "e")
    let drawn = batch.parts.map { part in
      part.places.indices.map {
        "\(part.plan.prompt(ofPicture: $0)) \(part.plan.seed(ofPicture: $0) ?? 0)"
      }
    }
    #expect(
      drawn == [["a 3", "a 4", "b 9", "b 10"], ["c 3", "c 4", "f 1", "f 2"], ["d 3", "d 4"]])
  }

  @Test("that begin with a number sign are comments")
  func comments() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      Array("\u{feff}# mine\na --d 2\n   \n  # b\n b\t\n".utf8), to: "p.txt")
    #expect(try PromptFile.prompts(of: file).map(\.prompt) == ["a", "b"])
    #expect(try PromptFile.prompts(of: file)[0].seed == 2)
    let wrong = try folder.write(Array("a\n\nb --d x\n".utf8), to: "wrong.txt")
    let error = #expect(throws: PromptFile.Failure.self) { try PromptFile.prompts(of: wrong) }
    #expect(
      error?.description == "\(wrong): line 3: --d: expected a seed, 0 or more, found 'x'")
    #expect(error?.failureKind == .wrongData)
  }
}
