import Autoencoders
import Compute
import ModelTestSupport
import TestSupport
import Testing

/// Against recordings of PyTorch. Float64 is within 1e-6 of them, other orders of summation in
/// float32 too; 1e-5 leaves room for other processors.
@Suite("Autoencoders against PyTorch")
struct ParityTests {
  let bound = 1e-5

  @Test("an encoder gives the recorded means, variances and latents", arguments: Family.allCases)
  func encoding(family: Family) throws {
    let distribution = try family.autoencoder().encode(family.recorded("pixels"))
    let mean = try family.recorded("mean")
    #expect(distribution.rawMean.shape == mean.shape)
    #expect(relativeError(distribution.rawMean.floats, mean.floats) <= bound)
    let logVariance = try family.recorded("logvar")
    #expect(relativeError(distribution.rawLogVariance.floats, logVariance.floats) <= bound)
    let normalized = try family.recorded("normalized")
    #expect(relativeError(distribution.mean.floats, normalized.floats) <= bound)
  }

  @Test("a decoder gives the recorded picture that is not square", arguments: Family.allCases)
  func decoding(family: Family) throws {
    let decoded = try family.autoencoder().decode(family.recorded("latent_in"))
    let expected = try family.recorded("decoded")
    #expect(decoded.shape == expected.shape)
    #expect(relativeError(decoded.floats, expected.floats) <= bound)
  }

  @Test("on all kernels", arguments: Family.allCases, ProductSettings.all(.float32))
  func kernels(family: Family, products: ProductSettings) throws {
    try ProductSettings.with(products) {
      try encoding(family: family)
      try decoding(family: family)
    }
  }

  @Test("a decoded latent of a picture is the recorded picture", arguments: Family.allCases)
  func roundTrip(family: Family) throws {
    let decoded = try family.autoencoder().decode(family.recorded("normalized"))
    let expected = try family.recorded("roundtrip")
    let clamped = decoded.floats.map { min(max($0, -1), 1) }
    #expect(decoded.shape == expected.shape)
    #expect(relativeError(clamped, expected.floats) <= bound)
  }

  @Test("any number of threads gives the same bits", arguments: Family.allCases)
  func threads(family: Family) throws {
    let autoencoder = try family.autoencoder()
    let pixels = try family.recorded("pixels")
    let latent = try family.recorded("latent_in")
    let results = try atWidths([1, 2, 3]) {
      try (encoded: autoencoder.encode(pixels), decoded: autoencoder.decode(latent))
    }
    for other in results[1...] {
      #expect(other.encoded.rawMean == results[0].encoded.rawMean)
      #expect(other.encoded.rawLogVariance == results[0].encoded.rawLogVariance)
      #expect(other.decoded == results[0].decoded)
    }
  }
}
