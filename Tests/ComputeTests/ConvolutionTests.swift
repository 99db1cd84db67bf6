import Compute
import TestSupport
import Testing

@Suite("A convolution")
struct ConvolutionTests {
  /// The plain loops, in double precision, over an input `[height][width][channels]`.
  private func plain(
    _ input: (Int, Int, Int) -> Double, _ weight: Tensor, _ bias: Tensor, height: Int, width: Int,
    stride: Int, before: Int
  ) -> [Float] {
    let (out, channels, side) = (weight.shape[0], weight.shape[1], weight.shape[3])
    var result: [Float] = []
    for y in 0..<height {
      for x in 0..<width {
        for o in 0..<out {
          var sum = Double(bias.elements[o])
          for c in 0..<channels {
            for ky in 0..<side {
              for kx in 0..<side {
                let w = weight.elements[((o * channels + c) * side + ky) * side + kx]
                sum += Double(w) * input(y * stride + ky - before, x * stride + kx - before, c)
              }
            }
          }
          result.append(Float(sum))
        }
      }
    }
    return result
  }

  // 2e-6: a float32 sum of 27 terms, here of numbers around 1.
  @Test(
    "agrees with the plain loops",
    arguments: [Convolution.Movement.same, .halving, .doubling], [1, 3])
  func plainLoops(movement: Convolution.Movement, side: Int) {
    let (height, width, channels) = (10, 14, 3)
    let values = sample([height * width, channels], 1)
    let (weight, bias) = (sample([5, channels, side, side], 2), sample([5], 3))
    let scale = if case .doubling = movement { 2 } else { 1 }
    let stride = if case .halving = movement { 2 } else { 1 }
    let before = if case .halving = movement { 0 } else { side / 2 }
    let expected = plain(
      { y, x, c in
        guard y >= 0, x >= 0, y < height * scale, x < width * scale else { return 0 }
        return Double(values.elements[(y / scale * width + x / scale) * channels + c])
      },
      weight, bias, height: height * scale / stride, width: width * scale / stride,
      stride: stride, before: before)
    let convolution = Convolution(weight: weight, bias: bias, movement: movement)
    let map = FeatureMap(height: height, width: width, values: values)
    #expect(relativeError(convolution(map).values.elements, expected) < 2e-6)
    // Added to a map: the sum of both.
    let other = sample(convolution(map).values.shape, 4)
    let sum = convolution(
      map,
      addedTo: FeatureMap(
        height: height * scale / stride, width: width * scale / stride, values: other))
    let both = zip(expected, other.elements).map { $0 + $1 }
    #expect(relativeError(sum.values.elements, both) < 2e-6)
  }

  @Test("takes the last plane of a kernel over time")
  func planes() {
    let flat = sample([2, 3, 3, 3], 1)
    var deep = Tensor(shape: [2, 3, 3, 3, 3], repeating: 7)
    for kernel in 0..<6 {
      for tap in 0..<9 { deep.elements[kernel * 27 + 18 + tap] = flat.elements[kernel * 9 + tap] }
    }
    let map = FeatureMap(height: 4, width: 5, values: sample([20, 3], 2))
    let bias = sample([2], 3)
    #expect(
      Convolution(weight: deep, bias: bias)(map).values
        == Convolution(weight: flat, bias: bias)(map).values)
  }

  @Test func preparationsComeBeforeTheZerosAround() {
    // With a shift, a zero outside would become SiLU(shift) if it were prepared too.
    let map = FeatureMap(height: 3, width: 3, values: sample([9, 2], 1))
    let (scale, shift) = (sample([2], 2), sample([2], 3))
    let convolution = Convolution(weight: sample([4, 2, 3, 3], 4), bias: sample([4], 5))
    let prepared = FeatureMap(
      height: 3, width: 3, values: Activation.silu(map.scaled(by: scale, shift: shift).values))
    let expected = convolution(prepared).values.elements
    let found = convolution(map, after: .affineSiLU(scale: scale, shift: shift)).values.elements
    #expect(relativeError(found, expected) < 1e-6)
  }

  @Test func groupNormHasMeanZeroAndVarianceOneInEveryGroup() {
    let map = FeatureMap(height: 70, width: 90, values: sample([6300, 6], 1, spread: 3))
    let one = Tensor(shape: [6], repeating: 1)
    let zero = Tensor(shape: [6], repeating: 0)
    let (scale, shift) = map.groupNorm(groups: 2, weight: one, bias: zero, epsilon: 0)
    let normed = map.scaled(by: scale, shift: shift).values
    for group in 0..<2 {
      let members = normed.elements.enumerated().filter { $0.offset % 6 / 3 == group }
        .map { Double($0.element) }
      let mean = members.reduce(0, +) / Double(members.count)
      let square = members.reduce(0) { $0 + $1 * $1 } / Double(members.count)
      #expect(abs(mean) < 1e-6)
      #expect(abs(square - 1) < 1e-6)
    }
  }
}
