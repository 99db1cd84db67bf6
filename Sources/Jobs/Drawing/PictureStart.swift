internal import Caching
internal import Compute
internal import Pictures
internal import Pipelines
internal import Schedules
public import SystemPackage

/// A walk that starts from a picture under noise instead of from noise alone.
///
/// Of n steps the last n · strength are taken, and at least one; the first of them starts from
/// sigma · noise + (1 - sigma) · latent. The latent is the mean of what the autoencoder says of the picture.
///
/// **Source:** huggingface/diffusers, `pipelines/flux/pipeline_flux_img2img.py`, `get_timesteps` and
/// `prepare_latents` (which draws the latent at random instead of taking the mean);
/// `schedulers/scheduling_flow_match_euler_discrete.py`, `scale_noise`.
struct PictureStart {
  private let image: DrawingRequest.StartingPicture
  /// The noise level that the first step starts from.
  private let sigma: Float

  /// The steps of a schedule that are left, and the start of the first.
  static func resolve(
    _ image: DrawingRequest.StartingPicture, _ schedule: PhaseSchedule
  ) throws -> (schedule: PhaseSchedule, start: PictureStart) {
    let count = schedule.entries.count
    let taken = min(Double(count) * image.strength, Double(count))
    let dropped = min(Int(Double(count) - taken), count - 1)
    let rest = schedule.dropping(first: dropped)
    return (rest, PictureStart(image: image, sigma: rest.entries[0].sigma))
  }

  /// The picture's latent, `[channels, height / 8, width / 8]`.
  func latent(_ plan: DrawingPlan) throws -> Tensor {
    let picture = try Picture(reading: image.file)
      .croppedToFill(width: plan.size.width, height: plan.size.height)
    return try plan.pipeline.pictureEncoder(for: plan.transformer, cache: plan.request.cache)
      .encode(picture).mean
  }

  /// What the first step starts from.
  func start(_ latent: Tensor, under noise: Tensor) -> Tensor {
    let sigma = sigma
    return Tensor(
      shape: latent.shape,
      zip(latent.floats, noise.floats).map { (1 - sigma) * $0 + sigma * $1 })
  }
}

extension DrawingRequest {
  /// A picture to start from.
  public struct StartingPicture: Sendable, Equatable {
    /// The file.
    public var file: FilePath
    /// How much of it is drawn anew, above 0 and up to 1.
    public var strength: Double

    /// A picture, and how much of it is drawn anew.
    public init(file: FilePath, strength: Double) {
      self.file = file
      self.strength = strength
    }

    /// Its size in whole tokens, or one of its proportions with about as many pixels as usual where it has more.
    ///
    /// - Parameter usual: the size that pictures have otherwise.
    /// - Returns: multiples of 16.
    /// - Throws: when the file is no picture.
    func size(usual: ChosenSize) throws -> (width: Int, height: Int) {
      let opened = try PictureFile(opening: file)
      let isTurned = opened.orientation.swapsSides
      let (width, height) =
        isTurned ? (opened.height, opened.width) : (opened.width, opened.height)
      let most = Double(usual.width * usual.height)
      let scale = min(1, (most / Double(width * height)).squareRoot())
      func tokens(_ pixels: Int) -> Int { max(1, Int((Double(pixels) * scale / 16).rounded())) }
      return (16 * tokens(width), 16 * tokens(height))
    }
  }
}
