internal import CKernels
internal import Concurrency
internal import Tensors

/// A convolution of pixels, with bias.
package struct PixelConvolution: Sendable {
  /// Channels of the input.
  package let inChannels: Int
  /// Channels of the output.
  package let outChannels: Int
  /// How pixels lie to each other.
  package let filter: PixelFilter
  /// `[outChannels, inChannels · taps]`, where of causal kernels in time only the last taps matter.
  package let weight: Weight
  /// `[outChannels]`.
  package let bias: [Float]

  /// A convolution.
  ///
  /// - Parameters:
  ///   - weight: `[outChannels, inChannels, size, size]`, or `[…, time, size, size]` of a causal 3D
  ///     convolution: of a single frame all before it is padding, so only the last taps in time matter.
  ///   - bias: `[outChannels]`.
  ///   - sampling: how output and input pixels lie to each other.
  package init(weight: Weight, bias: [Float], sampling: Resampling = .same) {
    let shape = weight.stored.shape
    precondition(shape.count == 4 || shape.count == 5, "a weight has two or three kernel axes")
    precondition(shape[shape.count - 1] == shape[shape.count - 2], "kernels are square")
    precondition(bias.count == shape[0], "bias must be [outChannels]")
    (outChannels, inChannels) = (shape[0], shape[1])
    filter = PixelFilter(sampling, kernelSize: shape[shape.count - 1])
    self.weight = weight
    self.bias = bias
  }

  /// Packs the weights of all positions: panels of rows follow each other, position after position.
  func pack(for product: StripProduct, into memory: UnsafeMutableRawPointer) {
    let (channels, positions) = (inChannels, filter.positions)
    let height = product.tileRows
    let distance = weight.columns / channels
    let positionBytes = product.leftByteCount(rows: outChannels, steps: channels)
    let panels = (outChannels + height - 1) / height
    Parallel.forEach(panels, work: 50 * outChannels * weight.columns) { panel in
      let rows = panel * height..<min(outChannels, (panel + 1) * height)
      unsafe weight.withBlock(rows: rows, columns: 0..<weight.columns) { taps in
        unsafe Scratch.withFloats(positions * rows.count * channels) { numbers in
          let last = unsafe taps.start + distance - filter.taps * filter.taps
          unsafe ck_filter_weights(
            filter.kernels, last, distance, rows.count * channels, numbers)
          for position in 0..<positions {
            unsafe product.packLeft(
              MatrixView(start: numbers + position * rows.count * channels, stride: channels),
              rows: rows.count, steps: channels,
              into: memory + position * positionBytes
                + product.leftByteCount(rows: rows.lowerBound, steps: channels))
          }
        }
      }
    }
  }
}
