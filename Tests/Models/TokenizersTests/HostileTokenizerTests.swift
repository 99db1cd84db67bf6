import Failures
import Files
import SystemPackage
import TestSupport
import Testing
import Tokenizers

/// A copy of a small pipeline's tokenizer, for spoiling.
private struct Copy {
  let folder: TemporaryFolder

  init(of path: FilePath, _ names: [String]) throws {
    folder = try TemporaryFolder()
    for name in names { try folder.write(contents(of: path.appending(name)), to: name) }
  }

  static func clip() throws -> Copy {
    try Copy(
      of: Fixtures.model("tiny-flux").appending("tokenizer"),
      ["vocab.json", "merges.txt", "tokenizer_config.json"])
  }

  static func qwen() throws -> Copy {
    try Copy(
      of: Fixtures.model("tiny-qwen-image").appending("tokenizer"),
      ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json"])
  }

  static func t5(_ file: String) throws -> Copy {
    try Copy(
      of: Fixtures.model("tiny-flux").appending("tokenizer_2"), [file, "tokenizer_config.json"])
  }

  var path: FilePath { folder.path }

  func text(_ name: String) throws -> String {
    String(decoding: try contents(of: path.appending(name)), as: UTF8.self)
  }

  func write(_ text: String, to name: String) throws {
    try folder.write(Array(text.utf8), to: name)
  }

  /// Replaces the first occurrence of a text in a file.
  func replace(_ old: String, with new: String, in name: String) throws {
    let parts = try text(name).split(
      separator: old, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(parts.count == 2)
    try write(parts[0] + new + parts[1], to: name)
  }
}

@Suite("Tokenizer files that are missing or wrong")
struct HostileTokenizerTests {
  @Test func emptyFolders() throws {
    let folder = try TemporaryFolder().path
    expect(
      .missingFiles(folder: folder, expected: "vocab.json and merges.txt, or tokenizer.json")
    ) { _ = try CLIPTokenizer(folder: folder) }
    expect(
      .missingFiles(folder: folder, expected: "vocab.json and merges.txt, or tokenizer.json")
    ) { _ = try Qwen2Tokenizer(folder: folder) }
    expect(.missingFiles(folder: folder, expected: "tokenizer.json or spiece.model")) {
      _ = try T5Tokenizer(folder: folder)
    }
  }

  @Test func folderInPlaceOfAFile() throws {
    let folder = try TemporaryFolder()
    let file = try folder.makeFolder("tokenizer.json")
    expect(.cannotRead(file: file, reason: .isDirectory)) {
      _ = try T5Tokenizer(folder: folder.path)
    }
  }

  @Test func pipeInPlaceOfAFile() throws {
    let folder = try TemporaryFolder()
    let file = try folder.makePipe("tokenizer_config.json")
    expect(.cannotRead(file: file, reason: .invalidArgument)) {
      _ = try T5Tokenizer(folder: folder.path)
    }
  }

  @Test(
    "says which vocabulary is wrong",
    arguments: [
      "", "{", "[]", "null", #"{"a":"b"}"#, #"{"a":1.5}"#, #"{"a":-1}"#, #"{"a":2147483647}"#,
      #"{"a":99999999999999999999}"#, #"{"a":null}"#, "{\"\u{1}\":0}}",
    ])
  func vocabularies(text: String) throws {
    let copy = try Copy.clip()
    try copy.write(text, to: "vocab.json")
    let error = #expect(throws: TokenizerError.self) { _ = try CLIPTokenizer(folder: copy.path) }
    #expect(error?.description.hasPrefix("\(copy.path)/vocab.json: ") == true)
    #expect(error?.failureKind == .wrongData)
  }

  @Test(
    "says which merge is wrong",
    arguments: [
      ("#version: 0.2\ng r\nzz qq\n", "merge 2: 'zz' + 'qq' isn't in the vocabulary"),
      ("#version: 0.2\n! \"\n", "merge 1: '!' + '\"' isn't in the vocabulary"),
      ("g r\nabc\n", "line 2: expected two tokens and a space"),
      ("g r\n\ng r x\n", "line 3: expected two tokens and a space"),
      ("g \n", "line 1: expected two tokens and a space"),
    ])
  func merges(text: String, detail: String) throws {
    let copy = try Copy.clip()
    try copy.write(text, to: "merges.txt")
    expect(.malformed(file: copy.path.appending("merges.txt"), detail: detail)) {
      _ = try CLIPTokenizer(folder: copy.path)
    }
  }

  @Test func mergesThatAreNotText() throws {
    let copy = try Copy.clip()
    let file = try copy.folder.write([0xFF, 0x20, 0xFE, 0x0A], to: "merges.txt")
    expect(.malformed(file: file, detail: "line 1: expected two tokens and a space")) {
      _ = try CLIPTokenizer(folder: copy.path)
    }
  }

  @Test func missingSpecialToken() throws {
    let copy = try Copy.clip()
    try copy.replace("\"<|startoftext|>\": 813", with: "\"x y z\": 813", in: "vocab.json")
    try copy.write("{}", to: "tokenizer_config.json")
    expect(
      .missingToken(file: copy.path.appending("vocab.json"), token: "<|startoftext|>")
    ) { _ = try CLIPTokenizer(folder: copy.path) }
  }

  @Test func missingByte() throws {
    let copy = try Copy.qwen()
    try copy.replace("\"!\": 0", with: "\"x y z\": 0", in: "vocab.json")
    expect(.missingToken(file: copy.path.appending("vocab.json"), token: "!")) {
      _ = try Qwen2Tokenizer(folder: copy.path)
    }
  }

  @Test(
    "says which setting is wrong",
    arguments: [
      (#"{"model_max_length": "77"}"#, "model_max_length: expected a positive number"),
      (#"{"model_max_length": -1}"#, "model_max_length: expected a positive number"),
      (#"{"bos_token": 5}"#, "bos_token: expected a token as a string or an object with content"),
      (
        #"{"added_tokens_decoder": {"x": {"content": "a"}}}"#,
        "added_tokens_decoder: expected ids as keys and objects with content"
      ),
      (
        #"{"added_tokens_decoder": {"-4": {"content": "a"}}}"#,
        "added_tokens_decoder: expected ids as keys and objects with content"
      ),
      (
        #"{"added_tokens_decoder": {"3": []}}"#,
        "added_tokens_decoder: expected ids as keys and objects with content"
      ),
    ])
  func configurations(text: String, detail: String) throws {
    let copy = try Copy.clip()
    try copy.write(text, to: "tokenizer_config.json")
    expect(.malformed(file: copy.path.appending("tokenizer_config.json"), detail: detail)) {
      _ = try CLIPTokenizer(folder: copy.path)
    }
  }

  @Test(
    "takes absurd maximum lengths for none",
    arguments: ["1e30", "1" + String(repeating: "0", count: 30), "null"])
  func absurdMaximumLength(length: String) throws {
    let copy = try Copy.clip()
    try copy.replace(
      "\"model_max_length\": 77", with: "\"model_max_length\": \(length)",
      in: "tokenizer_config.json")
    #expect(try CLIPTokenizer(folder: copy.path).modelMaximumLength == nil)
  }

  @Test(
    "says what is wrong with tokenizer.json",
    arguments: [
      "{}", #"{"model":[]}"#, #"{"model":{"type":"BPE"}}"#, #"{"model":{"vocab":{}}}"#,
      #"{"model":{"vocab":[]}}"#, #"{"model":{"vocab":[["a"]],"unk_id":0}}"#,
      #"{"model":{"vocab":[["a","b"]],"unk_id":0}}"#, #"{"model":{"vocab":[["a",-1]],"unk_id":1}}"#,
      #"{"model":{"vocab":[["a",1e999]],"unk_id":0}}"#,
      #"{"model":{"vocab":[["a",-1]],"unk_id":0,"byte_fallback":true}}"#,
      #"{"model":{"vocab":[["a",-1]],"unk_id":0},"normalizer":{"type":"Precompiled","precompiled_charsmap":"!"}}"#,
      #"{"model":{"vocab":[["a",-1]],"unk_id":0},"normalizer":{"type":"Precompiled","precompiled_charsmap":"////fwAA"}}"#,
      #"{"model":{"vocab":[["a",-1]],"unk_id":0},"added_tokens":[{"content":"a"}]}"#,
      #"{"model":{"vocab":[["a",-1]],"unk_id":0}}"#,
    ])
  func unigramFiles(text: String) throws {
    let copy = try Copy.t5("tokenizer.json")
    try copy.write(text, to: "tokenizer.json")
    try copy.write("{}", to: "tokenizer_config.json")
    let error = #expect(throws: TokenizerError.self) { _ = try T5Tokenizer(folder: copy.path) }
    #expect(error?.description.hasPrefix("\(copy.path)/tokenizer.json: ") == true)
  }

  @Test("never traps on a cut spiece.model, nor takes it for whole")
  func cutSentencePieceFile() throws {
    let copy = try Copy.t5("spiece.model")
    let file = copy.path.appending("spiece.model")
    let whole = try contents(of: file)
    for count in Array(stride(from: 0, to: whole.count, by: whole.count / 97)) + [1, 2, 3] {
      try copy.folder.write(Array(whole.prefix(count)), to: "spiece.model")
      let error = #expect(throws: TokenizerError.self, "\(count) bytes") {
        _ = try T5Tokenizer(folder: copy.path)
      }
      #expect(error?.description.hasPrefix("\(file): ") == true)
    }
  }

  @Test("never traps on a spoilt spiece.model, in loading or in encoding")
  func spoiltSentencePieceFile() throws {
    let copy = try Copy.t5("spiece.model")
    let whole = try contents(of: copy.path.appending("spiece.model"))
    let texts = try RecordedTexts(Fixtures.tokenizer("awkward.json")).cases.prefix(30).map(\.text)
    var state: UInt64 = 1
    func random(below bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var loadedCount = 0
    for _ in 0..<40 {
      var bytes = whole
      for _ in 0..<1 + random(below: 40) {
        bytes[random(below: bytes.count)] = UInt8(random(below: 256))
      }
      try copy.folder.write(bytes, to: "spiece.model")
      guard let tokenizer = try? T5Tokenizer(folder: copy.path) else { continue }
      loadedCount += 1
      for text in texts {
        let ids = tokenizer.encode(text).ids
        #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.idBound })
      }
    }
    #expect(loadedCount > 0)
  }

  private func expect(_ expected: TokenizerError, _ body: () throws -> Void) {
    let error = #expect(throws: TokenizerError.self) { try body() }
    #expect(error == expected)
    #expect(error?.description.isEmpty == false)
  }
}
