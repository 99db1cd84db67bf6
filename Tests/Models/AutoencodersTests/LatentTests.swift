import Autoencoders
import Compute
import Elements
import TestSupport
import Testing

@Suite("Latents")
struct LatentTests {
  @Test("drawn from a distribution are its mean plus deviation times noise")
  func sample() throws {
    let distribution = try Family.flux.autoencoder().encode(Family.flux.recorded("pixels"))
    let stream = RandomStream(seed: 7, purpose: .posterior)
    let noise = stream.normals(count: distribution.mean.count)
    let sample = distribution.sample(stream)
    #expect(sample.shape == distribution.mean.shape)
    for i in [0, 1, 500, 2303] {
      let deviation = exponential(Double(distribution.rawLogVariance.floats[i]) / 2)
      let raw = Double(distribution.rawMean.floats[i]) + deviation * Double(noise[i])
      // scaling_factor and shift_factor of the tiny model.
      #expect(abs(Double(sample.floats[i]) - (raw + 0.1006) * 0.398) < 1e-5)
    }
    #expect(distribution.sample(stream) == sample)
    #expect(
      distribution.sample(RandomStream(seed: 8, purpose: .posterior)).floats
        != sample.floats)
  }

  @Test("and pictures are float32 whatever products with weights are", arguments: Family.allCases)
  func precision(family: Family) throws {
    let autoencoder = try family.autoencoder()
    let (pixels, latent) = (try family.recorded("pixels"), try family.recorded("normalized"))
    let latents = try autoencoder.encode(pixels).mean
    let picture = try autoencoder.decode(latent)
    let again = try ProductSettings.with(ProductSettings(precision: .bfloat16)) {
      (mean: try autoencoder.encode(pixels).mean, picture: try autoencoder.decode(latent))
    }
    #expect(again.mean == latents)
    #expect(again.picture == picture)
  }

  @Test("and pictures have the sizes that configurations say", arguments: Family.allCases)
  func sizes(family: Family) throws {
    let autoencoder = try family.autoencoder()
    #expect(autoencoder.latentChannels == 16)
    #expect(autoencoder.cellSize == 8)
  }

  @Test("need the memory of two maps at the worst layer")
  func memory() throws {
    let flux = try Family.flux.autoencoder()
    // 96x96 pixels; decoding: 24 channels go into the last block, 16 lie between its convolutions;
    // encoding: 16 and 16. The caller's three planes of pixels come on top.
    #expect(
      flux.decodingForecast(height: 96, width: 96).activationByteCount == 4 * 9216 * (24 + 16 + 3))
    #expect(
      flux.encodingForecast(height: 96, width: 96).activationByteCount == 4 * 9216 * (16 + 16 + 3))
    // 12 channels and 12.
    let qwen = try Family.qwen.autoencoder()
    #expect(
      qwen.decodingForecast(height: 96, width: 96).activationByteCount == 4 * 9216 * (12 + 12 + 3))
    #expect(
      qwen.encodingForecast(height: 96, width: 96).activationByteCount == 4 * 9216 * (12 + 12 + 3))
  }

  /// The last block: its input of 24 channels and, in front of its second convolution, seven maps of 16.
  @Test("take whole maps on a device")
  func deviceMemory() throws {
    let flux = try Family.flux.autoencoder()
    #expect(
      flux.decodingForecast(height: 96, width: 96).deviceByteCount == 4 * 9216 * (24 + 7 * 16))
  }

  @Test("of large pictures decode in bands that need no more memory than two maps")
  func bandedMemory() throws {
    let qwen = try Family.qwen.autoencoder()
    // Whole maps would be 24 channels of every pixel.
    let wholeMaps = 4 * 2048 * 2048 * (12 + 12 + 3)
    #expect(qwen.decodingForecast(height: 2048, width: 2048).activationByteCount < wholeMaps / 2)
    #expect(qwen.encodingForecast(height: 2048, width: 2048).activationByteCount < wholeMaps / 2)
  }
}
