internal import Compute
internal import ModelLoading

/// The two networks of an autoencoder and what surrounds them, the same for every family.
public struct PictureCoder: Sendable {
  let encoder: PixelNetwork
  let decoder: PixelNetwork
  let normalization: LatentNormalization
  let cellSize: Int
  /// Whether decoded pixels are clamped to -1...1.
  let clampsPixels: Bool
  /// For saying which tensor is to blame for a result that is not finite.
  let weights: WeightLoader

  var latentChannels: Int { normalization.shift.count }

  /// 8192x8192: far beyond what the families were trained for, and sizes below it can't overflow.
  private static let pixelLimit = 1 << 26

  func encode(_ pixels: Tensor) throws(AutoencoderError) -> LatentDistribution {
    let shape = pixels.shape
    let multiple = 2 * cellSize
    guard shape.count == 3, shape[0] == 3,
      Self.isValid(shape[1], shape[2], multiple: multiple, limit: Self.pixelLimit)
    else {
      throw .pictureShape(found: shape, multiple: multiple, pixelLimit: Self.pixelLimit)
    }
    let engine = PixelEngine.current
    let moments = encoder(FeatureMap(pixels, on: engine), on: engine).planes
    try checkFinite(moments)
    return LatentDistribution(moments: moments, normalization: normalization)
  }

  func decode(_ latent: Tensor) throws(AutoencoderError) -> Tensor {
    let shape = latent.shape
    let cellLimit = Self.pixelLimit / (cellSize * cellSize)
    guard shape.count == 3, shape[0] == latentChannels,
      Self.isValid(shape[1], shape[2], multiple: 2, limit: cellLimit)
    else {
      throw .latentShape(found: shape, channels: latentChannels, cellLimit: cellLimit)
    }
    let engine = PixelEngine.current
    let pixels = decoder(
      FeatureMap(normalization.denormalized(latent), on: engine), on: engine
    ).planes
    try checkFinite(pixels)
    return clampsPixels ? pixels.mapped { min(max($0, -1), 1) } : pixels
  }

  func encodingForecast(height: Int, width: Int) -> CodingForecast {
    CodingForecast(
      encoder, height: height, width: width, channels: 3,
      pictureByteCount: planesByteCount(height, width))
  }

  func decodingForecast(height: Int, width: Int) -> CodingForecast {
    CodingForecast(
      decoder, height: height / cellSize, width: width / cellSize, channels: latentChannels,
      pictureByteCount: planesByteCount(height, width))
  }

  /// Bytes of the pixels themselves as callers see them.
  private func planesByteCount(_ height: Int, _ width: Int) -> Int { 12 * height * width }

  private static func isValid(_ height: Int, _ width: Int, multiple: Int, limit: Int) -> Bool {
    height > 0 && width > 0 && height % multiple == 0 && width % multiple == 0
      && height <= limit / width
  }

  private func checkFinite(_ result: Tensor) throws(AutoencoderError) {
    guard !result.isFinite else { return }
    if let tensor = weights.firstNotFinite() {
      throw .notFiniteWeights(file: weights.file, tensor: tensor)
    }
    throw .notFiniteInput
  }
}
