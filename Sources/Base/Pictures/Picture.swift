/// A picture in memory: 8-bit RGB, as it is looked at (upright, no alpha).
///
/// Samples are those of the file: neither gamma nor colour profiles are applied, which is also what
/// Pillow does and so what models were trained on.
public struct Picture: Sendable, Equatable {
  /// In pixels, at least 1.
  public let width: Int
  /// In pixels, at least 1.
  public let height: Int
  /// Red, green and blue, `[height, width, 3]`.
  public let pixels: [UInt8]

  /// The most pixels that a picture of any source may have: where Pillow begins to warn of a
  /// decompression bomb. As RGB that is 256 MiB.
  ///
  /// Source: Pillow, `src/PIL/Image.py`, `MAX_IMAGE_PIXELS`.
  public static let pixelLimit = 89_478_485

  /// Makes a picture of `pixels`, `[height, width, 3]`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "a picture has at least one pixel")
    precondition(pixels.count == width * height * 3, "pixels must be [height, width, 3]")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
