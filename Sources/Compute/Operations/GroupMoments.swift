internal import CKernels
internal import Tensors

extension FeatureMap {
  /// A group norm as one scale and one shift a channel: norm(x) · weight + bias =
  /// x · scale + shift.
  ///
  /// Source: Wu and He, "Group normalization" (arXiv 1803.08494); moments in double precision,
  /// summed over fixed portions in order.
  ///
  /// - Parameters:
  ///   - groups: number of groups; divides the channels.
  ///   - weight: `[channels]`.
  ///   - bias: `[channels]`.
  ///   - epsilon: added to the variance.
  /// - Returns: scale and shift, `[channels]` each.
  public func groupNorm(
    groups: Int, weight: Tensor, bias: Tensor, epsilon: Double
  ) -> (scale: Tensor, shift: Tensor) {
    let (sums, squares) = channelMoments()
    let size = channels / groups
    var scale = weight
    var shift = bias
    for group in 0..<groups {
      let members = group * size..<(group + 1) * size
      let count = Double(size * values.rows)
      let mean = members.reduce(0) { $0 + sums[$1] } / count
      let variance = members.reduce(0) { $0 + squares[$1] } / count - mean * mean
      let reciprocal = 1 / (max(variance, 0) + epsilon).squareRoot()
      for channel in members {
        let factor = Double(weight.elements[channel]) * reciprocal
        scale.elements[channel] = Float(factor)
        shift.elements[channel] = Float(Double(bias.elements[channel]) - mean * factor)
      }
    }
    return (scale, shift)
  }

  /// Sums and sums of squares of every channel over all pixels.
  private func channelMoments() -> (sums: [Double], squares: [Double]) {
    let portion = 4096
    let portions = (values.rows + portion - 1) / portion
    let channels = channels
    var moments = [Double](repeating: 0, count: portions * 2 * channels)
    unsafe moments.withUnsafeMutableBufferPointer { moments in
      unsafe values.elements.withUnsafeBufferPointer { values in
        guard let from = values.baseAddress, let to = moments.baseAddress else { return }
        Parallel.forEach(portions, work: 4 * values.count) { index in
          let first = index * portion
          let sums = unsafe to + index * 2 * channels
          unsafe ck_channel_moments(
            from + first * channels, min(portion, values.count / channels - first), channels,
            sums, sums + channels)
        }
      }
    }
    var sums = [Double](repeating: 0, count: channels)
    var squares = sums
    for index in 0..<portions {
      for channel in 0..<channels {
        sums[channel] += moments[index * 2 * channels + channel]
        squares[channel] += moments[(index * 2 + 1) * channels + channel]
      }
    }
    return (sums, squares)
  }

  /// x · scale + shift, one of each a channel.
  public func scaled(by scale: Tensor, shift: Tensor) -> FeatureMap {
    FeatureMap(
      height: height, width: width, values: scaleRows(values, by: scale, shift: shift))
  }

  /// Adds another map's values.
  public mutating func add(_ other: FeatureMap) { values.add(other.values) }
}
