public import Compute

/// A variational autoencoder of pictures: pixels to latents and back, whatever its family.
///
/// Only values are computed, nothing can be differentiated. Results do not depend on the number of
/// threads.
public protocol Autoencoder: Sendable {
  /// Its networks.
  var coder: PictureCoder { get }
}

extension Autoencoder {
  /// Channels of a latent.
  public var latentChannels: Int { coder.latentChannels }

  /// Pixels in a row or column of a latent's cell; usually 8.
  public var cellSize: Int { coder.cellSize }

  /// The distribution of latents of a picture.
  ///
  /// - Parameter pixels: `[3, height, width]`, -1 to 1; height and width are multiples of
  ///   2 · ``cellSize``, since transformers take cells in squares of four.
  /// - Returns: distributions of `[latentChannels, height / cellSize, width / cellSize]`.
  /// - Throws: for other shapes, and when the result is not finite.
  public func encode(_ pixels: Tensor) throws(AutoencoderError) -> LatentDistribution {
    try coder.encode(pixels)
  }

  /// The picture of a latent.
  ///
  /// - Parameter latent: normalised as the transformer makes it, `[latentChannels, rows, columns]`,
  ///   with even rows and columns.
  /// - Returns: pixels `[3, rows · cellSize, columns · cellSize]`, -1 to 1; where the family doesn't
  ///   clamp them, a little beyond.
  /// - Throws: for other shapes, and when the result is not finite.
  public func decode(_ latent: Tensor) throws(AutoencoderError) -> Tensor {
    try coder.decode(latent)
  }

  /// What encoding a picture of this size takes.
  public func encodingForecast(height: Int, width: Int) -> CodingForecast {
    coder.encodingForecast(height: height, width: width)
  }

  /// What decoding a picture of this size takes.
  public func decodingForecast(height: Int, width: Int) -> CodingForecast {
    coder.decodingForecast(height: height, width: width)
  }
}
