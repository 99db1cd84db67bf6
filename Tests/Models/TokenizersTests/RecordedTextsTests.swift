import SystemPackage
import TestSupport
import Testing
import Tokenizers

@Suite("The published tokenizers, against recorded ids")
struct RecordedTextsTests {
  let texts: RecordedTexts

  init() throws {
    texts = try RecordedTexts()
    try #require(!texts.cases.isEmpty)
  }

  @Test func clip() throws {
    let tokenizer = try CLIPTokenizer(folder: Fixtures.tokenizer("clip"))
    for recorded in texts.cases {
      let found = tokenizer.encode(recorded.text, maximumLength: 77)
      #expect(found.ids == recorded.clip, "\(escaped(recorded.text))")
    }
  }

  @Test func t5() throws {
    let tokenizer = try T5Tokenizer(folder: Fixtures.tokenizer("t5"))
    #expect(tokenizer.modelMaximumLength == 512)
    #expect(tokenizer.idBound == 32100)
    for recorded in texts.cases {
      let found = tokenizer.encode(recorded.text, maximumLength: 512)
      #expect(found.ids == recorded.t5, "\(escaped(recorded.text))")
    }
  }

  @Test func qwen2() throws {
    let tokenizer = try Qwen2Tokenizer(folder: Fixtures.tokenizer("qwen2"))
    #expect(tokenizer.modelMaximumLength == 131072)
    #expect(tokenizer.idBound == 151669)
    for recorded in texts.cases {
      let found = tokenizer.encode(recorded.text)
      #expect(found.ids == recorded.qwen2, "\(escaped(recorded.text))")
      let framed = tokenizer.encode(texts.framed(recorded.text))
      #expect(framed.ids == recorded.qwen2Template, "\(escaped(recorded.text)) in the template")
    }
  }

  /// Recorded with `tools/record-tokenizer-goldens`: what the shared goldens have little of.
  @Test func awkwardTexts() throws {
    let awkward = try RecordedTexts(Fixtures.tokenizer("awkward.json"))
    let clip = try CLIPTokenizer(folder: Fixtures.tokenizer("clip"))
    let t5 = try T5Tokenizer(folder: Fixtures.tokenizer("t5"))
    let qwen2 = try Qwen2Tokenizer(folder: Fixtures.tokenizer("qwen2"))
    try #require(awkward.cases.count > 100)
    for recorded in awkward.cases {
      #expect(
        clip.encode(recorded.text, maximumLength: 77).ids == recorded.clip,
        "CLIP: \(escaped(recorded.text))")
      #expect(
        t5.encode(recorded.text, maximumLength: 512).ids == recorded.t5,
        "T5: \(escaped(recorded.text))")
      #expect(qwen2.encode(recorded.text).ids == recorded.qwen2, "Qwen2: \(escaped(recorded.text))")
    }
  }
}
