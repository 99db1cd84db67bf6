import Failures
import GGUF
import JSON
import SystemPackage
import TestSupport
import Testing

/// The files of `Tests/Fixtures/hostile/gguf`: made for this project, with verdicts that were compared
/// with ggml's own reader and its Python library.
@Suite("GGUF files that must be refused or accepted")
struct HostileGGUFTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let isAccepted: Bool
    let what: String
    let says: String
    var testDescription: String { "\(file): \(what)" }
  }

  static let folder = Fixtures.folder.appending("hostile")

  static let cases: [Case] = {
    guard let text = try? Fixtures.text(folder.appending("gguf.json")),
      let document = try? JSONValue(parsing: text)
    else { return [] }
    return (document["cases"]?.array ?? []).map {
      Case(
        file: $0["file"]?.string ?? "", isAccepted: $0["must"]?.string == "accept",
        what: $0["what"]?.string ?? "", says: $0["says"]?.string ?? "")
    }
  }()

  @Test func everyCaseIsThere() { #expect(HostileGGUFTests.cases.count == 27) }

  @Test(arguments: cases)
  func verdict(hostile: Case) throws {
    let path = HostileGGUFTests.folder.appending(hostile.file)
    do {
      _ = try openGGUF(path)
      #expect(hostile.isAccepted)
    } catch let error as any ClassifiedError {
      #expect(!hostile.isAccepted, "\(error)")
      #expect("\(error)".contains(hostile.says), "\(error)")
      #expect("\(error)".hasPrefix(path.string + ": "))
      #expect(error.failureKind == .wrongData)
      #expect(!"\(error)".contains("\n"))
    }
  }

  /// Every byte of a good header in turn takes values at the edges of a byte. Whatever the
  /// verdict, the reader must come back with one.
  @Test(arguments: ["hostile/gguf/kv_invalid_utf8.gguf", "gguf/library.gguf"])
  func anyByteMayBeWrong(file: String) throws {
    let bytes = try contents(of: Fixtures.folder.appending(file))
    var refusals = 0
    for position in 0..<min(bytes.count, 1200) {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var changed = bytes
        changed[position] = value
        do { try unsafe GGUFFile.check(changed.span.bytes) } catch { refusals += 1 }
      }
    }
    #expect(refusals > 100)
  }

  /// A file that ends early is refused wherever it ends, the last tensor's padding excepted.
  @Test func anyLengthMayBeMissing() throws {
    let bytes = try contents(of: Fixtures.folder.appending("gguf/library.gguf"))
    let end = try #require(
      try GGUFFile(opening: Fixtures.folder.appending("gguf/library.gguf")).tensors.last)
    for count in 0..<end.byteRange.upperBound {
      let error = #expect(throws: GGUFFault.self) {
        try unsafe GGUFFile.check(bytes.span.bytes.extracting(first: count))
      }
      let text = error.map { "\($0)" } ?? ""
      #expect(
        text.contains(" bytes follow") || text.contains(" bytes are there")
          || text.contains("its \(count) bytes end inside the header"), "\(text)")
    }
    try unsafe GGUFFile.check(bytes.span.bytes.extracting(first: end.byteRange.upperBound))
  }
}
