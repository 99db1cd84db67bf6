import Compute
import Evaluation
import Pictures
import Testing

/// Expected numbers: numpy 2, in double precision.
@Suite("Measures of pictures")
struct MeasureTests {
  private static let x = Tensor(shape: [1, 2, 2], [1, 2, 3, 4])
  private static let y = Tensor(shape: [1, 2, 2], [0, 2.5, 3, -1])

  @Test("compare latents")
  func latents() {
    #expect(meanSquaredError(Self.x, Self.y) == 6.5625)
    #expect(abs(cosine(Self.x, Self.y) - 0.4529108136578383) < 1e-15)
    #expect(cosine(Self.x, Self.x) == 1)
  }

  @Test("compare pictures by their samples")
  func pictures() {
    let a = Picture(width: 1, height: 2, pixels: [0, 10, 255, 7, 7, 7])
    let b = Picture(width: 1, height: 2, pixels: [2, 10, 250, 7, 8, 4])
    // (4 + 0 + 25 + 0 + 1 + 9) / 6
    #expect(meanSquaredError(a, b) == 6.5)
  }

  @Test(
    "turn means into figures",
    arguments: [
      (.latentRMSE, 0.0625, 0.25), (.latentPSNR, 0.0625, 29.54242509439325),
      (.pixelPSNR, 6.5, 40.00167004225055), (.latentCosine, 0.5, 0.5), (.allRight, 0.75, 0.75),
    ] as [(Measure, Double, Double)])
  func figures(measure: Measure, mean: Double, expected: Double) {
    #expect(abs(measure.figure(ofMean: mean, latentRange: 7.5) - expected) < 1e-12)
  }

  private static func picture(_ classes: [Int]?, _ labels: [Int]?) -> PictureMeasures {
    PictureMeasures(
      prompt: 0, seed: 0, latentSquaredError: 0.5, latentCosine: 0.25, pixelSquaredError: 2,
      classes: classes, labels: labels, seconds: 1)
  }

  @Test("count attributes that are there, by kind")
  func attributes() {
    // layout, background, size, colour and shape of the first, then of the second, which is absent.
    let one = Self.picture([1, 2, 0, 3, 2, 9, 9, 9], [1, 2, 0, 4, 2, -1, -1, -1])
    #expect(one.isAllRight == false)
    #expect(Measure.attributes.terms(of: one) == (4, 5))
    #expect(Measure.layout.terms(of: one) == (1, 1))
    #expect(Measure.background.terms(of: one) == (1, 1))
    #expect(Measure.size.terms(of: one) == (1, 1))
    #expect(Measure.color.terms(of: one) == (0, 1))
    #expect(Measure.shape.terms(of: one) == (1, 1))
    #expect(Measure.allRight.terms(of: one) == (0, 1))
    let two = Self.picture([1, 2, 0, 3, 2, 1, 5, 3], [1, 2, 0, 3, 2, 1, 5, 3])
    #expect(two.isAllRight == true)
    #expect(Measure.color.terms(of: two) == (2, 2))
    #expect(Measure.allRight.terms(of: two) == (1, 1))
    #expect(Measure.allRight.terms(of: Self.picture(nil, nil)) == (0, 0))
  }

  @Test("tell how far latents of one prompt are apart")
  func spreads() {
    let latents = [[0, 0], [1, 2], [4, -2]].map { Tensor(shape: [1, 1, 2], $0) }
    #expect(abs((spread(latents) ?? 0) - 2.759650132061769) < 1e-15)
    #expect(spread([latents[0]]) == nil)
  }
}

@Suite("Features of latents")
struct LatentFeaturesTests {
  @Test(
    "have fewer numbers than there are pictures, in squares that divide the latent",
    arguments: [
      ([16, 12, 12], 64, 1, 1), ([16, 12, 12], 65, 2, 2), ([16, 12, 12], 192, 3, 3),
      ([16, 12, 12], 8, 1, 1), ([2, 4, 8], 33, 2, 4), ([2, 4, 8], 65, 4, 8), ([2, 4, 8], 64, 2, 4),
    ] as [([Int], Int, Int, Int)])
  func sizes(shape: [Int], pictures: Int, rows: Int, columns: Int) {
    let features = LatentFeatures(shape: shape, pictures: pictures)
    #expect(features.rows == rows)
    #expect(features.columns == columns)
    #expect(features.dimension == shape[0] * rows * columns)
  }

  @Test("are means")
  func means() {
    let latent = Tensor(shape: [2, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1, 1, 2, 2, 3, 3])
    #expect(LatentFeatures(shape: [2, 2, 4], pictures: 5).of(latent) == [3.5, 5.5, 1, 2])
  }
}
