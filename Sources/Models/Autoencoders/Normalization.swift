internal import CKernels
internal import Compute
internal import Concurrency

/// A norm in front of a convolution or an attention.
package enum Normalization: Sendable {
  /// Group norm with epsilon 1e-6: over all pixels and the channels of a group.
  case group(groups: Int, weight: [Float], bias: [Float])
  /// x / ‖x‖₂ · √channels · gamma over the channels of each pixel by itself.
  ///
  /// Source: huggingface/diffusers, `autoencoder_kl_qwenimage.py`, `QwenImageRMS_norm.forward`.
  case unit(gamma: [Float])

  /// Whether a pixel's result depends on no other pixel.
  var isLocal: Bool {
    switch self {
    case .group: false
    case .unit: true
    }
  }

  /// The norm of a map as a function of single pixels, followed by SiLU where `activated`. Reads the
  /// whole map for a group norm.
  package func preparation(of x: borrowing FeatureMap, activated: Bool) -> Preparation {
    switch self {
    case .group(let groups, let weight, let bias):
      let (scale, shift) = ChannelMoments(of: x).affine(
        groups: groups, weight: weight, bias: bias, epsilon: 1e-6)
      return .affine(scale: scale, shift: shift, activated: activated)
    case .unit(let gamma):
      return .unit(gamma: gamma, activated: activated)
    }
  }
}

/// What happens to the pixels that a layer reads, in place of a normalised copy of the whole map.
package enum Preparation: Sendable {
  /// Nothing.
  case none
  /// x · scale + shift for each channel, then SiLU where `activated`.
  case affine(scale: [Float], shift: [Float], activated: Bool)
  /// See ``Normalization/unit(gamma:)``; then SiLU where `activated`.
  case unit(gamma: [Float], activated: Bool)

  /// Prepares pixels that follow each other in memory.
  func apply(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, pixels: Int, channels: Int
  ) {
    let activates: Bool
    switch self {
    case .none:
      return unsafe y.update(from: x, count: pixels * channels)
    case .affine(let scale, let shift, let activated):
      unsafe ck_scale_shift_rows(x, scale, 0, shift, y, pixels, channels)
      activates = activated
    case .unit(let gamma, let activated):
      unsafe ck_unit_pixels(x, gamma, y, pixels, channels)
      activates = activated
    }
    if activates { unsafe ck_swish(y, 1, y, pixels * channels) }
  }
}

/// Sums of the values and of their squares over all pixels, for every channel, in double precision.
private struct ChannelMoments {
  private var sums: [Double]
  private var squares: [Double]
  private let pixels: Int

  /// Pixels whose sums one thread forms; fixes the order of the sums.
  private static let block = 8192

  init(of x: borrowing FeatureMap) {
    let (pixels, channels) = (x.height * x.width, x.channels)
    let blocks = (pixels + Self.block - 1) / Self.block
    var partial = [Double](repeating: 0, count: 2 * blocks * channels)
    let from = unsafe x.start
    unsafe partial.withUnsafeMutableBufferPointer { partial in
      guard let to = partial.baseAddress else { return }
      Parallel.forEachRange(of: pixels, size: Self.block, work: 4 * pixels * channels) { range in
        let sums = unsafe to + 2 * channels * (range.lowerBound / Self.block)
        unsafe ck_add_moments(
          from + range.lowerBound * channels, sums, sums + channels, range.count, channels)
      }
    }
    sums = [Double](repeating: 0, count: channels)
    squares = sums
    self.pixels = pixels
    for block in 0..<blocks {
      for channel in 0..<channels {
        sums[channel] += partial[2 * block * channels + channel]
        squares[channel] += partial[(2 * block + 1) * channels + channel]
      }
    }
  }

  /// The group norm as a factor and a summand for each channel.
  func affine(groups: Int, weight: [Float], bias: [Float], epsilon: Double)
    -> (scale: [Float], shift: [Float])
  {
    let width = sums.count / groups
    let count = Double(pixels * width)
    var scale = weight
    var shift = bias
    for first in stride(from: 0, to: sums.count, by: width) {
      let group = first..<first + width
      let mean = sums[group].reduce(0, +) / count
      // Doubles leave the difference 29 bits more than the float32 values have.
      let variance = max(0, squares[group].reduce(0, +) / count - mean * mean)
      let reciprocal = 1 / (variance + epsilon).squareRoot()
      for channel in group {
        let factor = Double(weight[channel]) * reciprocal
        scale[channel] = Float(factor)
        shift[channel] = Float(Double(bias[channel]) - mean * factor)
      }
    }
    return (scale, shift)
  }
}
