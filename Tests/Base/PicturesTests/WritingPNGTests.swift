import Pictures
import TestSupport
import Testing

@Suite("Writing a PNG")
struct WritingPNGTests {
  /// Every sample different from its neighbours, so that no swap goes unseen.
  private static func picture(width: Int, height: Int) -> Picture {
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ $0 >> 3) }
    return Picture(width: width, height: height, pixels: pixels)
  }

  @Test(
    "keeps every pixel",
    arguments: [(1, 1), (1, 40), (57, 1), (31, 17)] as [(Int, Int)])
  func roundTrip(width: Int, height: Int) throws {
    let folder = try TemporaryFolder()
    let picture = WritingPNGTests.picture(width: width, height: height)
    let file = try folder.write(picture.png(), to: "a.png")
    #expect(try Picture(reading: file) == picture)
    let found = try PictureFile.describe(file)
    #expect(found.color == .rgb && found.bitDepth == 8 && found.texts.isEmpty)
  }

  @Test func keepsTextsAndTheirOrder() throws {
    let folder = try TemporaryFolder()
    let texts = [
      PictureText(key: "parameters", text: "a café, steps: 10\nseed: 7"),
      PictureText(key: "prompt", text: "ein Bär \u{1f43b}, cafe\u{301}"),
      PictureText(key: "empty", text: ""),
    ]
    let file = try folder.write(
      WritingPNGTests.picture(width: 3, height: 2).png(texts: texts), to: "a.png")
    let found = try PictureFile.describe(file)
    // Scalars, because a composed and a decomposed accent are equal as strings.
    #expect(
      found.texts.map { Array($0.text.unicodeScalars) }
        == texts.map { Array($0.text.unicodeScalars) })
    #expect(found.texts.map(\.key) == texts.map(\.key))
    #expect(found.skippedTextCount == 0)
  }

  @Test func storesLatin1AsPlainText() throws {
    let text = PictureText(key: "parameters", text: "é")
    let bytes = try WritingPNGTests.picture(width: 1, height: 1).png(texts: [text])
    // After the signature (8) and IHDR (25): length, type, payload.
    #expect(Array(bytes[33..<53]) == [0, 0, 0, 12] + Array("tEXtparameters\0".utf8) + [0xe9])
  }

  @Test func givesTheSameBytesEveryTime() throws {
    let picture = WritingPNGTests.picture(width: 64, height: 64)
    let texts = [PictureText(key: "a", text: "ü 猫")]
    #expect(try picture.png(texts: texts) == picture.png(texts: texts))
  }

  @Test(
    "refuses what no PNG can hold",
    arguments: [
      ("", "a", "expected a key of 1 to 79 printable Latin-1 characters"),
      (" a", "a", "without needless spaces"), ("a  b", "a", "without needless spaces"),
      ("猫", "a", "printable Latin-1"), ("a\n", "a", "printable Latin-1"),
      ("a", "b\0", "expected no zero character in the text"),
    ] as [(String, String, String)])
  func refusedTexts(key: String, text: String, reason: String) {
    expectRefusal(PictureError.self, saying: reason) {
      try WritingPNGTests.picture(width: 1, height: 1)
        .png(texts: [PictureText(key: key, text: text)])
    }
  }
}
