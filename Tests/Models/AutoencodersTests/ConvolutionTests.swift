import Autoencoders
import Compute
import Elements
import Tensors
import TestSupport
import Testing

/// Windows, tiles and panels against the plain loop in double precision.
@Suite("A convolution")
struct ConvolutionTests {
  /// Resampling, kernel size, time axis, input and output channels, height, width.
  struct Shape: CustomTestStringConvertible {
    var sampling: Resampling
    var size: Int
    var time: Int?
    var channels: (Int, Int)
    var height: Int
    var width: Int

    var testDescription: String {
      "\(sampling) \(size)x\(size)\(time.map { "x\($0)" } ?? "") \(channels) \(height)x\(width)"
    }
  }

  static let shapes = [
    Shape(sampling: .same, size: 3, channels: (5, 7), height: 9, width: 6),
    Shape(sampling: .same, size: 3, time: 3, channels: (4, 6), height: 5, width: 11),
    Shape(sampling: .same, size: 1, channels: (8, 3), height: 7, width: 5),
    Shape(sampling: .same, size: 3, channels: (3, 2), height: 1, width: 1),
    Shape(sampling: .halved, size: 3, channels: (5, 4), height: 10, width: 6),
    Shape(sampling: .doubled, size: 3, channels: (6, 3), height: 5, width: 4),
    // More than a window, a vector and a panel, and less than the last ones of each.
    Shape(sampling: .same, size: 3, channels: (19, 37), height: 61, width: 67),
    Shape(sampling: .halved, size: 3, channels: (17, 9), height: 62, width: 70),
    Shape(sampling: .doubled, size: 3, channels: (33, 50), height: 30, width: 35),
    Shape(sampling: .same, size: 1, channels: (20, 33), height: 25, width: 50),
  ]

  /// The instructions of this processor, the plain ones and emulated tiles, in both precisions.
  static let engines = (ProductLevel.available + [.emulatedAMX]).flatMap { level in
    ProductPrecision.allCases.map {
      HostEngine(products: ProductSettings(precision: $0, level: level))
    }
  }

  @Test("equals the plain loop", arguments: shapes)
  func plainLoop(shape: Shape) {
    let weightShape =
      [shape.channels.1, shape.channels.0] + (shape.time.map { [$0] } ?? [])
      + [shape.size, shape.size]
    let weight = random(weightShape, step: 1)
    let bias = random([shape.channels.1], step: 2)
    let input = random([shape.channels.0, shape.height, shape.width], step: 3)
    let convolution = Convolution(
      weight: StoredWeight(TensorView(name: "weight", shape: weightShape, weight.floats)),
      bias: bias.floats, sampling: shape.sampling)
    let found = convolution(FeatureMap(input)).planes
    let expected = plainConvolution(input, weight, bias, shape)
    #expect(found.shape == expected.shape)
    // A sum of at most 300 products in float32.
    #expect(relativeError(found.floats, expected.floats) < 1e-6)
  }

  /// Of small whole numbers every sum is exact, in bfloat16 too: pixels to 3, four of which make 12, and
  /// multiples of four for weights, which are halved twice.
  @Test("is exact where the numbers are", arguments: shapes)
  func wholeNumbers(shape: Shape) {
    let weightShape =
      [shape.channels.1, shape.channels.0] + (shape.time.map { [$0] } ?? [])
      + [shape.size, shape.size]
    func whole(_ shape: [Int], _ step: UInt32, _ factor: Float) -> Tensor {
      Tensor(
        shape: shape,
        random(shape, step: step).floats.map { factor * min(max($0.rounded(), -3), 3) })
    }
    let weight = whole(weightShape, 1, 4)
    let bias = whole([shape.channels.1], 2, 1)
    let input = whole([shape.channels.0, shape.height, shape.width], 3, 1)
    let convolution = Convolution(
      weight: StoredWeight(TensorView(name: "weight", shape: weightShape, weight.floats)),
      bias: bias.floats, sampling: shape.sampling)
    let expected = plainConvolution(input, weight, bias, shape)
    for engine in Self.engines {
      #expect(convolution(FeatureMap(input), on: engine).planes == expected, "\(engine)")
    }
  }

  @Test("in bfloat16 rounds operands once", arguments: shapes)
  func rounding(shape: Shape) {
    let weight = random([shape.channels.1, shape.channels.0, shape.size, shape.size], step: 1)
    let bias = random([shape.channels.1], step: 2)
    let input = random([shape.channels.0, shape.height, shape.width], step: 3)
    var shape = shape
    shape.time = nil
    let convolution = Convolution(
      weight: StoredWeight(TensorView(name: "weight", shape: weight.shape, weight.floats)),
      bias: bias.floats, sampling: shape.sampling)
    let expected = plainConvolution(input, weight, bias, shape).floats
    let found = ProductLevel.available.map { level in
      let engine = HostEngine(products: ProductSettings(precision: .bfloat16, level: level))
      return convolution(FeatureMap(input), on: engine).planes.floats
    }
    for floats in found {
      // Two operands rounded by up to 2^-9, 0.0024 in the mean, and 5/3 of that after the turns.
      let error = relativeError(floats, expected)
      #expect(error < 0.006 && error > 0.0005)
    }
  }

  @Test(
    "to fewer channels can replace its input", arguments: [(8, 3), (4, 4)] as [(Int, Int)])
  func replacing(channels: (Int, Int)) {
    let shape = Shape(sampling: .same, size: 1, channels: channels, height: 7, width: 5)
    let weight = random([channels.1, channels.0, 1, 1], step: 7)
    let bias = random([channels.1], step: 8)
    let input = random([channels.0, 7, 5], step: 9)
    let convolution = Convolution(
      weight: StoredWeight(TensorView(name: "weight", shape: weight.shape, weight.floats)),
      bias: bias.floats)
    let found = convolution.replacing(FeatureMap(input)).planes
    let expected = plainConvolution(input, weight, bias, shape)
    #expect(found.shape == expected.shape)
    #expect(relativeError(found.floats, expected.floats) < 1e-6)
  }

  @Test("of prepared pixels pads with zeros, which are not prepared")
  func preparation() {
    let shape = Shape(sampling: .same, size: 3, channels: (4, 2), height: 4, width: 3)
    let weight = random([2, 4, 3, 3], step: 4)
    let bias = random([2], step: 5)
    let input = random([4, 4, 3], step: 6)
    let (scale, shift): ([Float], [Float]) = ([1, 2, -1, 0.5], [3, -1, 0.25, 2])
    let convolution = Convolution(
      weight: StoredWeight(TensorView(name: "weight", shape: weight.shape, weight.floats)),
      bias: bias.floats)
    let found = convolution(
      FeatureMap(input), preparing: .affine(scale: scale, shift: shift, activated: true))
    let prepared = Tensor(
      shape: input.shape,
      input.floats.enumerated().map { i, x in
        let value = Double(x * scale[i / 12] + shift[i / 12])
        return Float(value / (1 + exponential(-value)))
      })
    let expected = plainConvolution(prepared, weight, bias, shape)
    #expect(relativeError(found.planes.floats, expected.floats) < 1e-6)
  }

  private func plainConvolution(_ x: Tensor, _ w: Tensor, _ bias: Tensor, _ shape: Shape)
    -> Tensor
  {
    let (inChannels, outChannels) = shape.channels
    let (size, time) = (shape.size, shape.time ?? 1)
    let (height, width) =
      switch shape.sampling {
      case .same: (shape.height, shape.width)
      case .halved: (shape.height / 2, shape.width / 2)
      case .doubled: (2 * shape.height, 2 * shape.width)
      }
    let (pixels, weights) = (x.floats, w.floats)
    func pixel(_ channel: Int, _ y: Int, _ x0: Int) -> Double {
      let (y, x1) = shape.sampling == .doubled ? (y >> 1, x0 >> 1) : (y, x0)
      guard (0..<shape.height).contains(y), (0..<shape.width).contains(x1) else { return 0 }
      return Double(pixels[(channel * shape.height + y) * shape.width + x1])
    }
    let step = shape.sampling == .halved ? 2 : 1
    let lead = shape.sampling == .halved ? 0 : size / 2
    var result: [Float] = []
    for out in 0..<outChannels {
      for y in 0..<height {
        for column in 0..<width {
          var sum = Double(bias.floats[out])
          for channel in 0..<inChannels {
            for tap in 0..<size * size {
              let (ky, kx) = (tap / size, tap % size)
              let index =
                ((out * inChannels + channel) * time + time - 1) * size * size + tap
              sum +=
                Double(weights[index])
                * pixel(channel, step * y + ky - lead, step * column + kx - lead)
            }
          }
          result.append(Float(sum))
        }
      }
    }
    return Tensor(shape: [outChannels, height, width], result)
  }
}

/// Normal numbers; another step gives others.
func random(_ shape: [Int], step: UInt32) -> Tensor {
  Tensor(
    shape: shape,
    RandomStream(seed: 1, purpose: .test, step: step).normals(count: shape.reduce(1, *)))
}

/// e^x by its series, halved until it converges fast.
func exponential(_ x: Double) -> Double {
  if abs(x) > 0.5 {
    let half = exponential(x / 2)
    return half * half
  }
  var (sum, term) = (1.0, 1.0)
  for n in 1...16 {
    term *= x / Double(n)
    sum += term
  }
  return sum
}
