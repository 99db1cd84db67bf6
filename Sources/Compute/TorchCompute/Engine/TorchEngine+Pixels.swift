internal import CTorch
package import Compute

/// Convolutions of pixels.
extension TorchEngine {
  package func convolve(
    _ x: Tensor, height: Int, width: Int, _ convolution: PixelConvolution
  ) -> Tensor {
    let (filter, inChannels) = (convolution.filter, convolution.inChannels)
    let outChannels = convolution.outChannels
    precondition(x.shape == [height * width, inChannels], "x must be [height · width, inChannels]")
    let size = (height: filter.outputSize(height), width: filter.outputSize(width))
    let shape = [size.height * size.width, outChannels]
    return sure {
      let pixels = TorchPixels(
        try session.operand(x).to(session.activationType), height: height, width: width)
      let input =
        switch filter.sampling {
        case .same: pixels
        case .doubled: try pixels.doubled
        case .halved: try pixels.padded
        }
      let bias = try session.operand(Tensor(shape: [outChannels], convolution.bias))
        .to(session.activationType)
      let output = try session.withWeight(convolution.weight, as: session.activationType, in: nil) {
        weight in
        // Of causal kernels in time the last taps.
        let distance = weight.sizes[1] / inChannels
        let taps = try weight.view(
          [outChannels, inChannels, filter.taps, filter.taps],
          strides: [weight.sizes[1], distance, filter.taps, 1],
          from: distance - filter.taps * filter.taps)
        return try input.convolved(
          taps, bias, stride: filter.sampling == .halved ? 2 : 1,
          padding: filter.sampling == .halved ? 0 : filter.taps / 2)
      }
      let result = try TorchTensor(emptyIn: session, output.type, shape)
      try TorchPixels(result, height: size.height, width: size.width).planes.take(output)
      return tensor(result, shape)
    }
  }
}

/// Pixels `[height · width, channels]`.
private struct TorchPixels {
  let values: TorchTensor
  let height: Int
  let width: Int

  init(_ values: TorchTensor, height: Int, width: Int) {
    self.values = values
    self.height = height
    self.width = width
  }

  private var channels: Int { values.sizes[1] }

  /// As convolutions see them, `[1, channels, height, width]`; a view.
  var planes: TorchTensor {
    get throws {
      try values.view(
        [1, channels, height, width], strides: [values.count, 1, width * channels, channels])
    }
  }

  /// Every pixel twice in both directions.
  var doubled: TorchPixels {
    get throws {
      let result = try TorchTensor(
        emptyIn: values.session, values.type, [4 * height * width, channels])
      let sizes = [height, 2, width, 2, channels]
      try result.view(sizes).take(
        try values.view(sizes, strides: [width * channels, 0, channels, 0, 1]))
      return TorchPixels(result, height: 2 * height, width: 2 * width)
    }
  }

  /// With a pixel of zeros on the right and at the bottom.
  var padded: TorchPixels {
    get throws {
      let result = try TorchTensor(
        emptyIn: values.session, values.type, [(height + 1) * (width + 1), channels])
      try result.clear()
      try result.view(
        [height, width, channels], strides: [(width + 1) * channels, channels, 1]
      ).take(try values.view([height, width, channels]))
      return TorchPixels(result, height: height + 1, width: width + 1)
    }
  }

  /// The convolution, `[1, outChannels, height, width]` in PyTorch's own order.
  func convolved(
    _ weight: TorchTensor, _ bias: TorchTensor, stride: Int, padding: Int
  ) throws -> TorchTensor {
    func size(_ size: Int) -> Int { (size + 2 * padding - weight.sizes[2]) / stride + 1 }
    let planes = try planes
    return try unsafe TorchTensor(
      values.session, values.type, [1, weight.sizes[0], size(height), size(width)]
    ) { library in
      unsafe planes.with { x in
        unsafe weight.with { weight in
          unsafe bias.with {
            unsafe ct_convolution(library, x, weight, $0, Int64(stride), Int64(padding))
          }
        }
      }
    }
  }
}
