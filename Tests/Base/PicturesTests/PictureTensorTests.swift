import Pictures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Pictures as tensors")
struct PictureTensorTests {
  @Test("give the VAE what diffusers gives it", arguments: ["flux", "qwen"])
  func golden(family: String) throws {
    let expected = try Goldens.open(family, "vae.safetensors").tensor(named: "pixels")
    let picture = try Picture(reading: Goldens.folder(family).appending("image.png"))
    #expect(expected.shape == [1, 3, picture.height, picture.width])
    let found = picture.normalized()
    let worst = zip(found, expected.floats()).map { abs($0 - $1) }.max() ?? .infinity
    // Two float32 operations on numbers below 2: half a unit in the last place each.
    #expect(found.count == expected.elementCount && worst <= 1e-6)
  }

  @Test func areOrderedByChannelThenRow() {
    let picture = Picture(width: 2, height: 1, pixels: [0, 51, 255, 255, 204, 0])
    let expected: [Float] = [-1, 1, -0.6, 0.6, 1, -1]
    #expect(picture.normalized() == expected)
  }

  @Test func everySampleSurvivesTheWayThereAndBack() {
    let samples = (0..<768).map { UInt8(truncatingIfNeeded: $0) }
    let picture = Picture(width: 16, height: 16, pixels: samples)
    #expect(Picture(normalized: picture.normalized().span, width: 16, height: 16) == picture)
  }

  @Test(
    "round to the nearest sample, ties to even, within 0 and 255",
    arguments: [
      (-1, 0), (1, 255), (-7, 0), (7, 255), (.infinity, 255), (-.infinity, 0), (.nan, 0),
      (0, 128),  // 127.5
      (0.00393, 128),  // 128.0 and a little
      (-0.0118, 126),  // 125.995
      (-0.00785, 126),  // 126.4991
      (-0.00784, 127),  // 126.5004
    ] as [(Float, UInt8)])
  func rounding(element: Float, sample: UInt8) {
    let picture = Picture(normalized: [element, element, element].span, width: 1, height: 1)
    #expect(picture.pixels == [sample, sample, sample])
  }
}
