import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("Writing a JPEG, and pictures of pictures")
struct WritingJPEGTests {
  /// `Tests/Fixtures/pictures/README.md` says how Pillow wrote the same samples.
  @Test func givesPillowsBytes() throws {
    let pixels = (0..<31 * 17 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ $0 >> 3) }
    let picture = Picture(width: 31, height: 17, pixels: pixels)
    #expect(try picture.jpeg() == contents(of: Fixtures.folder.appending("pictures/saved.jpg")))
  }

  @Test func refusesSidesThatNoJPEGHas() {
    let picture = Picture(width: 65501, height: 1, pixels: Array(repeating: 0, count: 3 * 65501))
    expectRefusal(
      PictureError.self,
      saying: "cannot encode a picture: Maximum supported image dimension is 65500 pixels"
    ) { try picture.jpeg() }
  }

  @Test func tilesStandRowByRow() {
    func tile(_ level: UInt8) -> Picture {
      Picture(width: 2, height: 1, pixels: [level, level, level, level + 1, level + 1, level + 1])
    }
    let whole = Picture(tiling: [tile(10), tile(20), tile(30), tile(40)], columns: 2)
    #expect(whole.width == 4 && whole.height == 2)
    let levels: [UInt8] = [10, 11, 20, 21, 30, 31, 40, 41]
    #expect(whole.pixels == levels.flatMap { [$0, $0, $0] })
  }
}
