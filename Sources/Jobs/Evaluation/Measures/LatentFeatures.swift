package import Compute

/// Features of pictures that need no other network: the means of their latents over squares.
///
/// Squares are as small as leaves fewer numbers a picture than there are pictures, and divide the
/// latent evenly.
package struct LatentFeatures: Sendable {
  /// Squares in a row and in a column.
  package let rows: Int
  package let columns: Int
  /// Numbers of a picture.
  package let dimension: Int

  /// - Parameters:
  ///   - shape: of a latent, `[channels, height, width]`.
  ///   - pictures: how many there are.
  package init(shape: [Int], pictures: Int) {
    let (height, width) = (shape[1], shape[2])
    let divisor = Self.commonDivisor(height, width)
    // In squares of the latent's proportions.
    let parts = (1...divisor).filter { divisor.isMultiple(of: $0) }.last { parts in
      let (rows, columns) = (height / divisor * parts, width / divisor * parts)
      return shape[0] * rows * columns < pictures
    }
    rows = height / divisor * (parts ?? 1)
    columns = width / divisor * (parts ?? 1)
    dimension = shape[0] * rows * columns
  }

  /// The features of a latent.
  package func of(_ latent: Tensor) -> [Double] {
    let (channels, height, width) = (latent.shape[0], latent.shape[1], latent.shape[2])
    let (tall, wide) = (height / rows, width / columns)
    var sums = [Double](repeating: 0, count: channels * rows * columns)
    for (place, value) in latent.floats.enumerated() {
      let (channel, rest) = place.quotientAndRemainder(dividingBy: height * width)
      let (y, x) = rest.quotientAndRemainder(dividingBy: width)
      sums[(channel * rows + y / tall) * columns + x / wide] += Double(value)
    }
    return sums.map { $0 / Double(tall * wide) }
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : commonDivisor(b, a % b)
  }
}
