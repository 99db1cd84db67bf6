import JSON
import SystemPackage
import TestSupport
import Testing
import Tokenizers

@Suite("Other sets of files")
struct TokenizerFilesTests {
  private let texts: [String]

  init() throws {
    texts = try RecordedTexts(Fixtures.tokenizer("awkward.json")).cases.map(\.text)
  }

  /// The form that transformers 5 saves: one `tokenizer.json`, merges as pairs or as lines.
  @Test("reads byte-pair models from tokenizer.json", arguments: [true, false])
  func serializedBytePairs(mergesArePairs: Bool) throws {
    let model = Fixtures.model("tiny-qwen-image").appending("tokenizer")
    let lines = String(decoding: try contents(of: model.appending("merges.txt")), as: UTF8.self)
      .split(separator: "\n").dropFirst()
    let merges = lines.map { line -> JSONValue in
      mergesArePairs
        ? .array(line.split(separator: " ").map { .string(String($0)) }) : .string(String(line))
    }
    let configuration = try json(model.appending("tokenizer_config.json"))
    let decoder = try #require(configuration["added_tokens_decoder"]?.object)
    let added = decoder.members.map { member -> JSONValue in
      .object(
        JSONObject([
          .init(key: "id", value: .integer(Int64(member.key)!)),
          .init(key: "content", value: member.value["content"]!),
          .init(key: "special", value: true),
        ]))
    }
    let vocabulary = try json(model.appending("vocab.json"))
    let document: JSONValue = [
      "added_tokens": .array(added),
      "model": ["type": "BPE", "vocab": vocabulary, "merges": .array(merges)],
    ]
    let folder = try TemporaryFolder()
    try folder.write(Array(document.text().utf8), to: "tokenizer.json")
    let first = try Qwen2Tokenizer(folder: model)
    let second = try Qwen2Tokenizer(folder: folder.path)
    #expect(second.modelMaximumLength == nil && second.idBound == first.idBound)
    for text in texts { #expect(first.encode(text) == second.encode(text), "\(escaped(text))") }
  }

  @Test("reads special tokens from added_tokens.json and special_tokens_map.json")
  func olderFiles() throws {
    let model = Fixtures.model("tiny-qwen-image").appending("tokenizer")
    let folder = try TemporaryFolder()
    for name in ["vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"] {
      try folder.write(contents(of: model.appending(name)), to: name)
    }
    let first = try Qwen2Tokenizer(folder: model)
    let second = try Qwen2Tokenizer(folder: folder.path)
    #expect(second.paddingID == 630 && second.idBound == first.idBound)
    for text in texts { #expect(first.encode(text) == second.encode(text), "\(escaped(text))") }
  }

  @Test("drops white space beside tokens that ask for it")
  func strippingTokens() throws {
    let model = Fixtures.model("tiny-qwen-image").appending("tokenizer")
    let folder = try TemporaryFolder()
    for name in ["vocab.json", "merges.txt"] {
      try folder.write(contents(of: model.appending(name)), to: name)
    }
    func tokenizer(_ rules: String) throws -> Qwen2Tokenizer {
      let text = """
        {"added_tokens_decoder": {
          "630": {"content": "<|endoftext|>", "special": true},
          "631": {"content": "<m>", "special": true\(rules)}}}
        """
      try folder.write(Array(text.utf8), to: "tokenizer_config.json")
      return try Qwen2Tokenizer(folder: folder.path)
    }
    let a = try tokenizer("").encode("a").ids
    #expect(try tokenizer("").encode("a<m>a").ids == a + [631] + a)
    #expect(try tokenizer("").encode("a <m> a").ids.count > 3)
    #expect(
      try tokenizer(#", "lstrip": true, "rstrip": true"#).encode("a \n<m>\t a").ids
        == a + [631] + a)
    #expect(try !tokenizer(#", "single_word": true"#).encode("a<m>a").ids.contains(631))
    #expect(try tokenizer(#", "single_word": true"#).encode("!<m> a").ids.contains(631))
  }

  private func json(_ file: FilePath) throws -> JSONValue {
    let bytes = try contents(of: file)
    return try unsafe JSONValue(parsing: bytes.span.bytes)
  }
}
