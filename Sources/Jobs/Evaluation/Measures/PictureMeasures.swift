package import Compute
package import Pictures

/// What is measured of one picture, against the teacher's of the same prompt and noise.
public struct PictureMeasures: Sendable, Equatable {
  /// Place of the prompt.
  public let prompt: Int
  /// Place of the noise among those of a prompt.
  public let seed: Int
  /// Mean squared difference of the latents.
  public let latentSquaredError: Double
  /// Cosine of the angle between the latents.
  public let latentCosine: Double
  /// Mean squared difference of the pixels' samples, 0 to 255.
  public let pixelSquaredError: Double
  /// What the checker takes the picture for, one class a head; nil where none looked.
  public let classes: [Int]?
  /// What the picture should show.
  public let labels: [Int]?
  /// How well it agrees with its prompt, 0 to 100; nil where no CLIP model looked.
  public let clipScore: Double?
  /// Seconds of its walk.
  public let seconds: Double

  package init(
    prompt: Int, seed: Int, latentSquaredError: Double, latentCosine: Double,
    pixelSquaredError: Double, classes: [Int]?, labels: [Int]?,
    clipScore: Double? = nil, seconds: Double
  ) {
    self.prompt = prompt
    self.seed = seed
    self.latentSquaredError = latentSquaredError
    self.latentCosine = latentCosine
    self.pixelSquaredError = pixelSquaredError
    self.classes = classes
    self.labels = labels
    self.clipScore = clipScore
    self.seconds = seconds
  }

  /// Attributes that are there and right, and those that are there, of some heads.
  func attributes(_ heads: [Int]) -> (right: Int, present: Int) {
    guard let classes, let labels else { return (0, 0) }
    let present = heads.filter { labels[$0] >= 0 }
    return (present.count { labels[$0] == classes[$0] }, present.count)
  }

  /// Whether every attribute is right; nil where nobody says.
  public var isAllRight: Bool? {
    guard let classes, let labels else { return nil }
    return zip(classes, labels).allSatisfy { $1 < 0 || $0 == $1 }
  }
}

/// A picture that is there to be measured.
struct MeasuredPicture: Sendable {
  let latent: Tensor
  let picture: Picture
}

/// Mean squared difference.
package func meanSquaredError(_ a: Tensor, _ b: Tensor) -> Double {
  precondition(a.shape == b.shape, "latents of one shape")
  let sum = zip(a.floats, b.floats).reduce(0.0) { sum, pair in
    let difference = Double(pair.0) - Double(pair.1)
    return sum + difference * difference
  }
  return sum / Double(a.count)
}

/// Cosine of the angle between two latents.
package func cosine(_ a: Tensor, _ b: Tensor) -> Double {
  var (product, ofA, ofB) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a.floats, b.floats) {
    product += Double(x) * Double(y)
    ofA += Double(x) * Double(x)
    ofB += Double(y) * Double(y)
  }
  return product / (ofA * ofB).squareRoot()
}

/// Mean squared difference of samples, 0 to 255.
package func meanSquaredError(_ a: Picture, _ b: Picture) -> Double {
  let sum = zip(a.pixels, b.pixels).reduce(0) { sum, pair in
    let difference = Int(pair.0) - Int(pair.1)
    return sum + difference * difference
  }
  return Double(sum) / Double(a.pixels.count)
}
