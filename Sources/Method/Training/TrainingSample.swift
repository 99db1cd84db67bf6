public import Compute
public import DiffusionTransformers
internal import Elements

/// One picture with its caption, or a caption alone, as a run uses it: encoded.
public struct TrainingSample: Sendable {
  /// What the sample is called in logs: its file's name.
  public let name: String
  /// Sizes of the latent: `[channels, height, width]`.
  public let latentShape: [Int]
  /// Mean of the latent's distribution, normalised; nil where there is a caption alone.
  public let mean: Tensor?
  /// Standard deviation of the same, for runs that draw from it; nil for runs that take the mean.
  public let deviation: Tensor?
  /// The caption's states.
  public let conditioning: Conditioning

  /// A sample of these encodings.
  public init(name: String, mean: Tensor, deviation: Tensor?, conditioning: Conditioning) {
    precondition(mean.shape.count == 3 && (deviation.map { $0.shape == mean.shape } ?? true))
    self.name = name
    latentShape = mean.shape
    self.mean = mean
    self.deviation = deviation
    self.conditioning = conditioning
  }

  /// A caption for pictures of a latent's sizes `[channels, height, width]`, for objectives that need none.
  public init(name: String, latentShape: [Int], conditioning: Conditioning) {
    self.name = name
    self.latentShape = latentShape
    mean = nil
    deviation = nil
    self.conditioning = conditioning
  }

  /// The picture's latent, for objectives that need one.
  var latent: Tensor {
    guard let mean else { preconditionFailure("the objective needs pictures") }
    return mean
  }

  /// The latent that a visit trains on: the mean, or a draw that depends on seed and visit only.
  func latent(seed: UInt64, visit: UInt32) -> Tensor {
    guard let deviation else { return latent }
    let draw = RandomStream(seed: seed, purpose: .posterior, step: visit)
      .normals(count: latent.count)
    return latent.moved(by: draw, times: deviation)
  }

  /// Rows and columns of the packed latent.
  var grid: TokenGrid { TokenGrid(latentShape: latentShape) }
}
