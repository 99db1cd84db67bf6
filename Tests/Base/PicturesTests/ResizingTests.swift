import Pictures
import Testing

@Suite("Resizing a picture")
struct ResizingTests {
  private static let sizes: [(Int, Int)] = [
    (61, 47), (32, 32), (16, 40), (96, 64), (122, 47), (61, 20), (7, 5), (1, 1), (200, 3),
  ]

  // The arithmetic is the same fixed point, so not even one level may differ.
  @Test("gives what Pillow's LANCZOS gives", arguments: sizes)
  func resize(width: Int, height: Int) throws {
    let source = try Recorded.picture("resize.png")
    let expected = try Recorded.picture("resize/\(width)x\(height)")
    #expect(source.resized(width: width, height: height) == expected)
  }

  @Test("crops about the centre as Pillow's ImageOps.fit does", arguments: sizes)
  func fit(width: Int, height: Int) throws {
    let source = try Recorded.picture("resize.png")
    let expected = try Recorded.picture("fit/\(width)x\(height)")
    #expect(source.croppedToFill(width: width, height: height) == expected)
  }

  @Test func keepsAFlatPictureFlat() {
    let pixels = Array([[UInt8]](repeating: [0, 200, 255], count: 35).joined())
    let scaled = Picture(width: 7, height: 5, pixels: pixels).croppedToFill(width: 16, height: 24)
    #expect(scaled.pixels == Array([[UInt8]](repeating: [0, 200, 255], count: 16 * 24).joined()))
  }

  @Test func survivesExtremeShapes() {
    let line = Picture(width: 3000, height: 1, pixels: [UInt8](repeating: 9, count: 9000))
    let scaled = line.croppedToFill(width: 2, height: 64)
    #expect(scaled.pixels == [UInt8](repeating: 9, count: 2 * 64 * 3))
  }
}
