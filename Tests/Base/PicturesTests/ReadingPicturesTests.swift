import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("Reading pictures")
struct ReadingPicturesTests {
  /// Every picture beside `make.py`, which recorded what Pillow reads.
  private static let files: [String] = {
    let kinds =
      ["gray1", "gray2", "gray4", "gray8", "gray16", "rgb8", "rgb16"]
      + ["palette1", "palette2", "palette4", "palette8"]
      + ["gray_alpha8", "gray_alpha16", "rgba8", "rgba16"]
    let jpegs = ["444", "422", "420"].flatMap { ["ycc\($0).jpg", "ycc\($0)_progressive.jpg"] }
    return kinds.flatMap { ["\($0).png", "\($0)_interlaced.png"] } + jpegs
      + ["gray8", "rgb8", "palette8"].map { "\($0)_transparent.png" }
      + ["rgb8_gamma.png", "rgb8_exif6.png", "texts.png", "resize.png"]
      + ["gray.jpg", "restarts.jpg", "rgb.jpg", "cmyk.jpg", "comment.jpg"]
      + (1...8).map { "exif\($0).jpg" } + ["exif6.webp"]
      + ["lossy", "lossless"].flatMap { ["\($0).webp", "\($0)_alpha.webp"] }
  }()

  @Test("gives the pixels that Pillow gives", arguments: files)
  func pixels(file: String) throws {
    let expected = try Recorded.picture(file)
    let picture = try Picture(reading: Recorded.folder.appending(file))
    #expect(picture.width == expected.width)
    #expect(picture.height == expected.height)
    #expect(picture.pixels == expected.pixels)
  }

  @Test("leaves no recorded picture out")
  func coverage() throws {
    let recorded = try Recorded.names().filter { !$0.contains("/") }
    #expect(Set(recorded) == Set(ReadingPicturesTests.files))
  }

  @Test(
    "describes what a file stores",
    arguments: [
      ("gray1.png", .png, .gray, 1, 1, .upright),
      ("gray_alpha16_interlaced.png", .png, .grayAlpha, 2, 16, .upright),
      ("palette4.png", .png, .palette, 1, 4, .upright),
      ("rgb8_exif6.png", .png, .rgb, 3, 8, .turnedRight),
      ("rgba8.png", .png, .rgba, 4, 8, .upright),
      ("gray.jpg", .jpeg, .gray, 1, 8, .upright),
      ("ycc420_progressive.jpg", .jpeg, .ycbcr, 3, 8, .upright),
      ("rgb.jpg", .jpeg, .rgb, 3, 8, .upright),
      ("cmyk.jpg", .jpeg, .cmyk, 4, 8, .upright),
      ("exif5.jpg", .jpeg, .ycbcr, 3, 8, .transposed),
      ("lossy.webp", .webp, .rgb, 3, 8, .upright),
      ("lossless_alpha.webp", .webp, .rgba, 4, 8, .upright),
      ("exif6.webp", .webp, .rgb, 3, 8, .turnedRight),
    ] as [(String, PictureFormat, PictureFile.Color, Int, Int, PictureOrientation)])
  func description(
    file: String, format: PictureFormat, color: PictureFile.Color, channels: Int, bitDepth: Int,
    orientation: PictureOrientation
  ) throws {
    let found = try PictureFile.describe(Recorded.folder.appending(file))
    #expect(found.format == format)
    #expect(found.color == color)
    #expect(found.channels == channels)
    #expect(found.bitDepth == bitDepth)
    #expect(found.orientation == orientation)
    let size = (found.width, found.height)
    let recorded = format == .png ? (13, 9) : file.hasPrefix("exif") ? (19, 11) : (33, 25)
    #expect(size == recorded)
  }

  @Test func textsAreReadAndCompressedOnesCounted() throws {
    let found = try PictureFile.describe(Recorded.folder.appending("texts.png"))
    #expect(
      found.texts == [
        PictureText(key: "parameters", text: "a café\nSteps: 10"),
        PictureText(key: "prompt", text: "ein Ö, ein 猫"),
        PictureText(key: "Software", text: "after the pixels"),
      ])
    #expect(found.skippedTextCount == 2)
  }

  @Test("follows the first bytes, not the name")
  func misnamed() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(contents(of: Recorded.folder.appending("gray.jpg")), to: "gray.png")
    #expect(try PictureFile.describe(file).format == .jpeg)
  }
}
