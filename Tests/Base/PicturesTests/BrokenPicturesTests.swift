import Files
import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("Broken pictures")
struct BrokenPicturesTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let file: String
    let what: String
    let mustAccept: Bool
    let says: String
    var testDescription: String { what }
  }

  private static let folder = Fixtures.folder.appending("hostile/images")

  private static let cases: [Case] = {
    let text = try? Fixtures.text(Fixtures.folder.appending("hostile/images.json"))
    let manifest = try? JSONValue(parsing: text ?? "")
    return (manifest?.array ?? []).compactMap { entry in
      guard let file = entry["file"]?.string, let what = entry["what"]?.string,
        let must = entry["must"]?.string
      else { return nil }
      return Case(
        file: file, what: what, mustAccept: must == "accept", says: entry["says"]?.string ?? "")
    }
  }()

  @Test func everyCaseIsListed() {
    #expect(BrokenPicturesTests.cases.count == 19)
  }

  @Test("are refused, odd ones accepted", arguments: cases)
  func verdict(of broken: Case) throws {
    let file = BrokenPicturesTests.folder.appending(broken.file)
    if broken.mustAccept {
      _ = try PictureFile.describe(file)
      _ = try Picture(reading: file)
    } else {
      let text = "\(file): \(broken.says)"
      expectRefusal(PictureError.self, saying: text) { try PictureFile.describe(file) }
      expectRefusal(PictureError.self, saying: text) { try Picture(reading: file) }
    }
  }

  @Test("cut anywhere, are refused", arguments: ["rgb8_interlaced.png", "ycc420_progressive.jpg"])
  func truncation(name: String) throws {
    let whole = try contents(of: Recorded.folder.appending(name))
    let folder = try TemporaryFolder()
    let end =
      name.hasSuffix("png") ? "PNG: the file ends early" : "JPEG: Premature end of JPEG file"
    // What tells a format: the signature of a PNG, the first marker of a JPEG.
    let signature = name.hasSuffix("png") ? 8 : 3
    for count in 0..<whole.count {
      let file = try folder.write(Array(whole.prefix(count)), to: "cut")
      let reason =
        count == 0 ? "an empty file" : count < signature ? "an unknown format" : "damaged \(end)"
      expectRefusal(PictureError.self, saying: "\(file): \(reason)") {
        try PictureFile.describe(file)
      }
    }
  }

  @Test("with a wrong byte in any chunk of a PNG, are refused")
  func flippedBytes() throws {
    let whole = try contents(of: Recorded.folder.appending("texts.png"))
    let folder = try TemporaryFolder()
    for index in whole.indices {
      var bytes = whole
      bytes[index] ^= 0x40
      let file = try folder.write(bytes, to: "flipped.png")
      let reason = index < 8 ? "an unknown format" : "damaged PNG: "
      expectRefusal(PictureError.self, saying: "\(file): \(reason)") {
        try PictureFile.describe(file)
      }
    }
  }

  @Test(
    "and other formats are refused by name",
    arguments: [
      ([], "an empty file"),
      (Array("GIF89a".utf8), "a GIF picture"),
      ([0, 0, 0, 32] + Array("ftypavif".utf8), "an AVIF picture"),
      ([0x89, 0x50, 0x4e], "an unknown format"),
    ] as [([UInt8], String)])
  func otherFormats(bytes: [UInt8], name: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(bytes, to: "a.png")
    #expect(throws: PictureError.unsupportedFormat(file: file, found: name)) {
      try PictureFile.describe(file)
    }
  }

  @Test("of WebP that are cut off or hold an animation, are refused")
  func webP() throws {
    let folder = try TemporaryFolder()
    let whole = try contents(of: Recorded.folder.appending("lossy.webp"))
    for count in [12, 20, 30, whole.count / 2, whole.count - 1] {
      let file = try folder.write(Array(whole[..<count]), to: "cut.webp")
      expectRefusal(PictureError.self, saying: "\(file): damaged WebP: ") {
        try PictureFile.describe(file)
      }
    }
    // RFC 9649, 2.7: an extended header with the flag of animations, of 2 x 2 pixels.
    let header: [UInt8] = [2, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    let animation =
      Array("RIFF".utf8) + [22, 0, 0, 0] + Array("WEBPVP8X".utf8) + [10, 0, 0, 0] + header
    let file = try folder.write(animation, to: "moving.webp")
    expectRefusal(
      PictureError.self, saying: "\(file): damaged WebP: an animation, expected one picture"
    ) { try PictureFile.describe(file) }
  }

  @Test func whatIsNoFileIsRefusedAtOnce() throws {
    let folder = try TemporaryFolder()
    let pipe = try folder.makePipe("pipe.png")
    #expect(throws: PictureError.notARegularFile(file: pipe)) { try PictureFile.describe(pipe) }
    let inner = try folder.makeFolder("folder.png")
    #expect(throws: PictureError.notARegularFile(file: inner)) { try PictureFile.describe(inner) }
    let nothing = folder.path.appending("nothing.png")
    #expect(throws: PictureError.cannotOpen(file: nothing, reason: .noSuchFileOrDirectory)) {
      try PictureFile.describe(nothing)
    }
  }

  @Test("with too many pixels, are refused from their header")
  func pixelLimit() throws {
    let file = BrokenPicturesTests.folder.appending("png_bomb_10000_real.png")
    #expect(
      throws: PictureError.tooManyPixels(
        file: file, width: 10_000, height: 10_000, limit: 89_478_485)
    ) {
      try PictureFile(opening: file)
    }
  }
}
