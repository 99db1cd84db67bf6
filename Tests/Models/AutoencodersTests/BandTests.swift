import Autoencoders
import Compute
import TestSupport
import Testing

/// Bands of rows against the whole picture at once: there is no seam to see, since the values agree.
@Suite("Bands of rows")
struct BandTests {
  /// 96x96 = 9216 pixels in 2, 5 and 24 bands.
  static let bandPixels = [4608, 2000, 384]

  @Test("decode the same picture as one band", arguments: bandPixels)
  func decoding(bandPixels: Int) throws {
    let latent = try Family.qwen.recorded("normalized")
    let whole = try Family.qwen.autoencoder().decode(latent)
    let banded = try bandedAutoencoder(bandPixels).decode(latent)
    #expect(banded == whole)
    let recorded = try Family.qwen.recorded("roundtrip")
    #expect(relativeError(banded.floats, recorded.floats) <= 1e-5)
  }

  @Test("encode the same latent as one band", arguments: bandPixels)
  func encoding(bandPixels: Int) throws {
    let pixels = try Family.qwen.recorded("pixels")
    let whole = try Family.qwen.autoencoder().encode(pixels)
    let banded = try bandedAutoencoder(bandPixels).encode(pixels)
    #expect(banded.mean == whole.mean)
    #expect(banded.rawLogVariance == whole.rawLogVariance)
  }

  @Test("of a picture that is not square give it too")
  func nonSquare() throws {
    let decoded = try bandedAutoencoder(1000).decode(Family.qwen.recorded("latent_in"))
    let recorded = try Family.qwen.recorded("decoded")
    #expect(relativeError(decoded.floats, recorded.floats) <= 1e-5)
  }

  private func bandedAutoencoder(_ bandPixels: Int) throws -> QwenImageAutoencoder {
    try QwenImageAutoencoder(
      configuration: Family.qwen.configuration(), weights: Family.qwen.weights(),
      bandPixels: bandPixels)
  }
}
