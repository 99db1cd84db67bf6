internal import Compute
internal import Concurrency
package import Tensors

/// A square 2D convolution with bias, of weights in their file's dtype.
///
/// Weights are `[outChannels, inChannels, size, size]`, or `[…, taps, size, size]` for a causal 3D
/// convolution: of a single frame all before it is padding, so only its last tap matters.
package struct Convolution: Sendable {
  /// Channels of the input.
  package let inChannels: Int
  /// Channels of the output.
  package let outChannels: Int
  let pattern: ResamplingPattern
  private let kernelSize: Int
  private let weight: StoredWeight
  private let bias: [Float]

  /// Floats that one strip of the picture takes in scratch memory: 8 MiB, which fit a processor's
  /// cache and yet are enough pixels for products to run at full speed.
  private let stripFloats: Int
  /// What they are where nothing else is said.
  static let stripFloats = 1 << 21

  /// A convolution with this weight.
  package init(
    weight: StoredWeight, bias: [Float], sampling: Resampling = .same,
    stripFloats: Int = Self.stripFloats
  ) {
    let shape = weight.shape
    precondition(shape.count == 4 || shape.count == 5, "a weight has two or three kernel axes")
    precondition(shape[shape.count - 1] == shape[shape.count - 2], "kernels are square")
    precondition(bias.count == shape[0], "bias must be [outChannels]")
    (outChannels, inChannels) = (shape[0], shape[1])
    kernelSize = shape[shape.count - 1]
    pattern = ResamplingPattern(sampling, kernelSize: kernelSize)
    self.weight = weight
    self.bias = bias
    self.stripFloats = stripFloats
  }

  /// The convolution of a map whose pixels are prepared as they are read.
  package func callAsFunction(
    _ x: borrowing FeatureMap, preparing preparation: Preparation = .none
  ) -> FeatureMap {
    var y = FeatureMap(
      height: pattern.outputSize(x.height), width: pattern.outputSize(x.width),
      channels: outChannels)
    write(x, preparing: preparation, into: &y, accumulating: false)
    return y
  }

  /// Adds the convolution of a map to another.
  package func add(
    _ x: borrowing FeatureMap, preparing preparation: Preparation, to y: inout FeatureMap
  ) {
    write(x, preparing: preparation, into: &y, accumulating: true)
  }

  private func write(
    _ x: borrowing FeatureMap, preparing preparation: Preparation, into y: inout FeatureMap,
    accumulating: Bool
  ) {
    precondition(x.channels == inChannels && y.channels == outChannels, "channels must agree")
    precondition(y.height == pattern.outputSize(x.height), "heights must agree")
    precondition(y.width == pattern.outputSize(x.width), "widths must agree")
    let weights = tapWeights()
    unsafe weights.withUnsafeBufferPointer { weights in
      unsafe bias.withUnsafeBufferPointer { bias in
        guard let weights = weights.baseAddress, let bias = bias.baseAddress else { return }
        let strips = unsafe ConvolutionStrips(
          pattern: pattern, preparation: preparation, weights: weights, bias: bias,
          input: x.start, height: x.height, width: x.width, inChannels: inChannels,
          output: y.mutableStart, outChannels: outChannels, accumulates: accumulating)
        strips.run(stripFloats: stripFloats)
      }
    }
  }

  /// The weights of all taps one after the other, each `[outChannels, inChannels]`.
  private func tapWeights() -> [Float] {
    let all = weight.floatsInsideArithmetic
    let size = outChannels * inChannels
    let kernelStride = all.count / size
    let lastTap = kernelStride - kernelSize * kernelSize
    let taps = pattern.phases.flatMap(\.taps)
    return unsafe Array(unsafeUninitializedCapacity: taps.count * size) { buffer, count in
      unsafe all.withUnsafeBufferPointer { all in
        for (index, tap) in taps.enumerated() {
          for pair in 0..<size {
            var sum: Float = 0
            for y in tap.kernelRows {
              for x in tap.kernelColumns {
                sum += unsafe all[pair * kernelStride + lastTap + y * kernelSize + x]
              }
            }
            unsafe buffer[index * size + pair] = sum
          }
        }
      }
      count = taps.count * size
    }
  }

  /// A 1x1 convolution to no more channels than the input has, written where the input was: a copy
  /// of a picture's largest map is never alive beside it.
  package func replacing(_ x: consuming FeatureMap) -> FeatureMap {
    precondition(kernelSize == 1 && outChannels <= inChannels && x.channels == inChannels)
    let (k, n) = (inChannels, outChannels)
    let pixels = x.height * x.width
    let portion = max(1, stripFloats / n)
    let weights = tapWeights()
    let memory = unsafe x.mutableStart
    unsafe weights.withUnsafeBufferPointer { weights in
      unsafe bias.withUnsafeBufferPointer { bias in
        guard let weights = weights.baseAddress, let bias = bias.baseAddress else { return }
        // What a portion writes lies before what the next one reads.
        for first in stride(from: 0, to: pixels, by: portion) {
          let count = min(portion, pixels - first)
          unsafe Scratch.withFloats(count * n) { result in
            let input = unsafe UnsafePointer(memory + first * k)
            Parallel.forEachRange(of: count, size: 2048, work: 2 * count * n * k) { range in
              unsafe multiplyOnOneThread(
                m: range.count, n: n, k: k,
                MatrixView(start: input + range.lowerBound * k, stride: k), transposeA: false,
                MatrixView(start: weights, stride: k), transposeB: true,
                into: MutableMatrixView(start: result + range.lowerBound * n, stride: n))
            }
            unsafe storePixels(
              result, bias, memory + first * n, pixels: count, channels: n, stride: n,
              accumulates: false)
          }
        }
      }
    }
    x.keepChannels(n)
    return x
  }
}
