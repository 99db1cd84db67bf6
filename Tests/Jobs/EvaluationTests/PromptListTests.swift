import Drawing
import Evaluation
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Prompts")
struct PromptListTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("are the lines of a text")
  func lines() throws {
    let file = try folder.write(Array("a cat\n\n[a dog]\r\n".utf8), to: "prompts.txt")
    #expect(
      try PromptList(reading: file).prompts
        == [EvaluatedPrompt("a cat"), EvaluatedPrompt("[a dog]")])
    #expect(try PromptList(reading: file, limit: 1).prompts == [EvaluatedPrompt("a cat")])
  }

  @Test("are captions with labels")
  func captions() throws {
    let file = try folder.write(
      Array(#" [{"caption": "a cat", "labels": [1, -1]}, {"caption": "a dog", "x": 1}]"#.utf8),
      to: "prompts.json")
    #expect(
      try PromptList(reading: file).prompts
        == [EvaluatedPrompt("a cat", labels: [1, -1]), EvaluatedPrompt("a dog")])
  }

  @Test("of the shipped world are 512, each with eight labels")
  func world() throws {
    let prompts = try PromptList(
      reading: Fixtures.model("world").appending("heldout_prompts.json")
    ).prompts
    #expect(prompts.count == 512)
    #expect(
      prompts[0].text == "a small blue triangle above a large orange triangle on a pink background")
    #expect(prompts[0].labels == [6, 4, 0, 2, 2, 1, 5, 2])
    #expect(prompts.allSatisfy { $0.labels?.count == 8 })
  }

  @Test("are not the bytes of something else, nor nothing", arguments: [[], [0xff, 0xfe]])
  func unreadable(bytes: [UInt8]) throws {
    let file = try folder.write(bytes, to: "prompts")
    let message =
      bytes.isEmpty
      ? "expected a prompt on every line, found none" : "expected UTF-8 text of at most 16 MB"
    expectRefusal(PromptFile.Failure.self, saying: "\(file): \(message)") {
      try PromptList(reading: file)
    }
  }

  @Test(
    "that can't be read are refused",
    arguments: [
      ("[]", "expected a list of captions, found none"),
      ("[{\"text\": \"a\"}]", "expected a text 'caption' in entry 1, found nothing"),
      (
        "[{\"caption\": \"a\"}, {\"caption\": \"b\", \"labels\": [0.5]}]",
        "expected a list of classes 'labels' in entry 2, found [0.5]"
      ),
      (
        "[{\"caption\": \"a\", \"labels\": [-2]}]",
        "expected a list of classes 'labels' in entry 1, found [-2]"
      ),
    ] as [(String, String)])
  func refused(text: String, message: String) throws {
    let file = try folder.write(Array(text.utf8), to: "prompts")
    expectRefusal(EvaluationError.self, saying: "\(file): \(message)") {
      try PromptList(reading: file)
    }
  }
}
