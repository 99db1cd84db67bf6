internal import Concurrency

extension HostEngine {
  package func convolve(
    _ x: Tensor, height: Int, width: Int, _ convolution: PixelConvolution
  ) -> Tensor {
    let (filter, channels) = (convolution.filter, convolution.inChannels)
    precondition(x.shape == [height * width, channels], "x must be [height · width, inChannels]")
    let pixels = filter.outputSize(height) * filter.outputSize(width)
    return unsafe Tensor(shape: [pixels, convolution.outChannels]) { to in
      unsafe x.withFloats { from in
        guard let from = from.baseAddress, let to = to.baseAddress else { return }
        unsafe convolve(
          PixelView(start: from, height: height, width: width),
          preparing: { from, to, count in unsafe to.update(from: from, count: count * channels) },
          convolution, into: to, accumulating: false)
      }
    }
  }

  /// Convolves pixels that are prepared as they are read.
  ///
  /// - Parameters:
  ///   - input: the pixels.
  ///   - prepare: writes so many pixels, prepared: from, to, how many.
  ///   - convolution: what with.
  ///   - output: where the pixels go; its memory is not the input's.
  ///   - accumulating: whether they are added to what is there.
  package func convolve(
    _ input: PixelView,
    preparing prepare: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void,
    _ convolution: PixelConvolution, into output: UnsafeMutablePointer<Float>, accumulating: Bool
  ) {
    let plan = unsafe plan(convolution, height: input.height, width: input.width)
    unsafe Scratch.withBytes(plan.weightByteCount) { weights in
      unsafe convolution.pack(for: plan.product, into: weights)
      unsafe convolution.bias.withUnsafeBufferPointer { bias in
        guard let bias = bias.baseAddress else { return }
        unsafe withoutActuallyEscaping(prepare) { prepare in
          unsafe ConvolutionWindows(
            plan: plan, input: input, prepare: prepare, weights: weights, bias: bias,
            output: output, accumulates: accumulating
          ).run()
        }
      }
    }
  }

  /// How a picture of this size is convolved.
  func plan(_ convolution: PixelConvolution, height: Int, width: Int) -> ConvolutionPlan {
    ConvolutionPlan(
      convolution, StripProduct(products, needsPairs: true), height: height, width: width)
  }
}
