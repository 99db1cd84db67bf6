internal import CKernels
internal import Tensors

/// Pixels with channels: `[height · width, channels]`, row by row, channels fastest.
public struct FeatureMap: Sendable {
  /// Rows of pixels.
  public let height: Int
  /// Pixels of a row.
  public let width: Int
  /// `[height · width, channels]`.
  public var values: Tensor

  /// A map of these values.
  public init(height: Int, width: Int, values: Tensor) {
    precondition(values.rows == height * width, "values must fill the map")
    self.height = height
    self.width = width
    self.values = values
  }

  /// Values of a pixel.
  public var channels: Int { values.columns }
}

/// A convolution over pixels with a square kernel.
public struct Convolution: Sendable {
  /// How the kernel moves over the input.
  public enum Movement: Sendable {
    /// Over every pixel; zeros around the input keep the size.
    case same
    /// Over every second pixel; zeros at the right and the bottom only. Halves the size.
    case halving
    /// Over the input with every pixel doubled both ways; zeros around. Doubles the size.
    case doubling
  }

  /// What happens to the input before the kernel sees it; zeros around are added afterwards.
  public enum Preparation: Sendable {
    /// Nothing.
    case none
    /// SiLU(x · scale + shift), one scale and one shift a channel.
    case affineSiLU(scale: Tensor, shift: Tensor)
    /// SiLU(x / rms(x) · gamma), the root mean square over a pixel's channels.
    case rootMeanSquareSiLU(gamma: Tensor)
  }

  /// Input channels.
  public let inChannels: Int
  /// Output channels.
  public let outChannels: Int
  /// Side of the kernel: 1 or 3.
  public let side: Int
  /// `[outChannels, side · side · inChannels]`, the channels of a tap together.
  private let weight: Tensor
  /// `[outChannels]`.
  private let bias: Tensor
  private let movement: Movement

  /// A convolution from weights as PyTorch stores them.
  ///
  /// - Parameters:
  ///   - weight: `[out, in, side, side]`, or of several planes `[out, in, planes, side, side]`, of
  ///     which the last is taken: what a causal convolution over time does with a single picture.
  ///   - bias: `[out]`.
  ///   - movement: how the kernel moves.
  public init(weight: Tensor, bias: Tensor, movement: Movement = .same) {
    let shape = weight.shape
    precondition(shape.count >= 4 && bias.count == shape[0], "weight must be a kernel's")
    (outChannels, inChannels, side) = (shape[0], shape[1], shape[shape.count - 1])
    let taps = side * side
    let allTaps = shape.dropFirst(2).reduce(1, *)
    var ordered = Tensor(shape: [outChannels, taps * inChannels], repeating: 0)
    for out in 0..<outChannels {
      for channel in 0..<inChannels {
        let from = (out * inChannels + channel) * allTaps + allTaps - taps
        for tap in 0..<taps {
          ordered.elements[(out * taps + tap) * inChannels + channel] =
            weight.elements[from + tap]
        }
      }
    }
    self.weight = ordered
    self.bias = bias
    self.movement = movement
  }

  /// Height or width after the convolution.
  private func outSize(_ size: Int) -> Int {
    switch movement {
    case .same: size
    case .halving: size / 2
    case .doubling: size * 2
    }
  }

  /// The convolved map.
  ///
  /// The input is prepared and laid out for the matrix product in strips of rows, so that beside
  /// input and output there is scratch memory of a few megabytes a thread only.
  ///
  /// - Parameters:
  ///   - input: what is convolved.
  ///   - preparation: what happens to it first.
  ///   - sum: a map of the output's shape that the result is added to.
  /// - Returns: the result.
  public func callAsFunction(
    _ input: FeatureMap, after preparation: Preparation = .none,
    addedTo sum: FeatureMap? = nil
  ) -> FeatureMap {
    precondition(input.channels == inChannels, "the input must have the kernel's channels")
    let (height, width) = (outSize(input.height), outSize(input.width))
    let accumulates = sum != nil
    // Without a sum, the products write every element.
    let start = sum.map(\.values)
    var output = unsafe start ?? Tensor(shape: [height * width, outChannels]) { _ in }
    precondition(output.shape == [height * width, outChannels], "the sum must fit the output")
    let patch = side * side * inChannels
    let rowsPerStrip = max(1, min(height, 1 << 20 / max(1, width * patch)))
    let work = 2 * height * width * patch * outChannels
    unsafe output.elements.withUnsafeMutableBufferPointer { output in
      guard let out = output.baseAddress else { return }
      ProductMeter.measure(m: height * width, n: outChannels, k: patch) {
        Parallel.forEachRange(of: height, size: rowsPerStrip, work: work) { rows in
          unsafe convolve(
            rows, width, input, preparation, into: out + rows.lowerBound * width * outChannels,
            accumulates: accumulates)
        }
      }
    }
    return FeatureMap(height: height, width: width, values: output)
  }

  /// Output rows of a strip.
  private func convolve(
    _ rows: Range<Int>, _ width: Int, _ input: FeatureMap, _ preparation: Preparation,
    into out: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    let source = sourceRows(of: rows, height: input.height)
    let rowCount = input.width * inChannels
    let patch = side * side * inChannels
    unsafe Scratch.withFloats(source.count * rowCount + rows.count * width * patch) { scratch in
      unsafe preparation.prepare(input, source, into: scratch)
      let patches = unsafe scratch + source.count * rowCount
      unsafe layOut(rows, width, input, source, from: scratch, into: patches)
      unsafe weight.elements.withUnsafeBufferPointer { weight in
        guard let weight = weight.baseAddress else { return }
        unsafe multiplyOnOneThread(
          m: rows.count * width, n: outChannels, k: patch,
          MatrixView(start: patches, stride: patch), transposeA: false,
          MatrixView(start: weight, stride: patch), transposeB: true, accumulate: accumulates,
          into: MutableMatrixView(start: out, stride: outChannels))
      }
      for pixel in 0..<rows.count * width {
        for channel in 0..<outChannels {
          unsafe out[pixel * outChannels + channel] += bias.elements[channel]
        }
      }
    }
  }

  /// Input rows that the kernel touches for some output rows.
  private func sourceRows(of rows: Range<Int>, height: Int) -> Range<Int> {
    let reach = side / 2
    let (first, last): (Int, Int)
    switch movement {
    case .same: (first, last) = (rows.lowerBound - reach, rows.upperBound - 1 + reach)
    case .halving: (first, last) = (2 * rows.lowerBound, 2 * (rows.upperBound - 1) + 2 * reach)
    case .doubling:
      (first, last) = (
        max(0, rows.lowerBound - reach) / 2, (rows.upperBound - 1 + reach) / 2
      )
    }
    return max(0, first)..<min(height, last + 1)
  }

  /// Copies what the kernel sees at every output pixel side by side; zeros outside the input.
  private func layOut(
    _ rows: Range<Int>, _ width: Int, _ input: FeatureMap, _ source: Range<Int>,
    from prepared: UnsafeMutablePointer<Float>, into patches: UnsafeMutablePointer<Float>
  ) {
    let scale = if case .doubling = movement { 2 } else { 1 }
    let stride = if case .halving = movement { 2 } else { 1 }
    let before = if case .halving = movement { 0 } else { side / 2 }
    let (fullHeight, fullWidth) = (input.height * scale, input.width * scale)
    var target = unsafe patches
    for row in rows {
      for column in 0..<width {
        for tapRow in 0..<side {
          let y = row * stride + tapRow - before
          for tapColumn in 0..<side {
            let x = column * stride + tapColumn - before
            if y >= 0, y < fullHeight, x >= 0, x < fullWidth {
              let place = (y / scale - source.lowerBound) * input.width + x / scale
              unsafe target.update(from: prepared + place * inChannels, count: inChannels)
            } else {
              unsafe target.update(repeating: 0, count: inChannels)
            }
            unsafe target += inChannels
          }
        }
      }
    }
  }
}

extension Convolution.Preparation {
  /// Prepares some rows of the input.
  fileprivate func prepare(
    _ input: FeatureMap, _ rows: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    let channels = input.channels
    let pixels = rows.count * input.width
    unsafe input.values.elements.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      let from = unsafe start + rows.lowerBound * input.width * channels
      switch self {
      case .none:
        unsafe target.update(from: from, count: pixels * channels)
      case .affineSiLU(let scale, let shift):
        unsafe scale.elements.withUnsafeBufferPointer { scale in
          unsafe shift.elements.withUnsafeBufferPointer { shift in
            guard let scale = scale.baseAddress else { return }
            unsafe ck_affine_silu_rows(from, scale, shift.baseAddress, target, pixels, channels)
          }
        }
      case .rootMeanSquareSiLU(let gamma):
        unsafe gamma.elements.withUnsafeBufferPointer { gamma in
          guard let gamma = gamma.baseAddress else { return }
          unsafe Scratch.withFloats(pixels) { reciprocals in
            unsafe ck_normalize_rows(from, target, reciprocals, pixels, channels, 1e-24, 0)
          }
          unsafe ck_affine_silu_rows(target, gamma, nil, target, pixels, channels)
        }
      }
    }
  }
}
