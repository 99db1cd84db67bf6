import Compute
import Elements
import ModelTestSupport
import Tensors
import TestSupport
import Testing
import TorchCompute

/// Normal numbers that depend on the seed alone.
func numbers(_ shape: [Int], _ seed: UInt32) -> Tensor {
  let stream = RandomStream(seed: 7, purpose: .initialLatent, step: seed)
  return Tensor(shape: shape, stream.normals(count: shape.reduce(1, *)))
}

/// What every engine has to compute.
struct Primitive: Sendable, CustomTestStringConvertible {
  let name: String
  /// Roundings to bfloat16 that follow each other on the way to a result.
  var roundings = 2
  let results: @Sendable (_ engine: any Engine) -> [Tensor]

  var testDescription: String { name }

  private static let tokens = 37
  private static let width = 48
  private static let x = numbers([tokens, width], 0)
  private static let y = numbers([tokens, width], 1)
  private static let vector = numbers([width], 2)

  private static func norm(_ isCentred: Bool, width: Int) -> Primitive {
    let form = NormForm(width: width, epsilon: 1e-6, isCentred: isCentred)
    return Primitive(name: "\(isCentred ? "layer" : "RMS") norm of \(width)") { engine in
      let normalized = engine.normalize(x, form)
      return [
        normalized.values, normalized.reciprocals,
        engine.normalizeBackward(normalized, form, gradient: y),
      ]
    }
  }

  private static func rotation(_ pairing: RotaryTable.Pairing) -> Primitive {
    // Two heads of twelve pairs.
    let table = RotaryTable(
      cosines: numbers([tokens, 12], 3), sines: numbers([tokens, 12], 4), pairing: pairing)
    return Primitive(name: "rotation of \(pairing)") { engine in
      [
        engine.rotate(x, by: table, inverse: false), engine.rotate(x, by: table, inverse: true),
      ]
    }
  }

  /// Of 6x8 pixels, with a weight in bfloat16.
  private static func convolution(
    _ name: String, _ shape: [Int], _ sampling: Resampling
  ) -> Primitive {
    let rounded = numbers(shape, 12).floats.map { BFloat16($0) }
    let weight = StoredWeight(
      unsafe TensorView(name: "", dtype: .bf16, shape: shape, copying: rounded.span.bytes))
    let convolution = PixelConvolution(
      weight: Weight(weight), bias: numbers([shape[0]], 13).floats, sampling: sampling)
    return Primitive(name: "convolutions, \(name)", roundings: 3) { engine in
      [engine.convolve(numbers([48, shape[1]], 14), height: 6, width: 8, convolution)]
    }
  }

  private static func activation(_ f: Activation) -> Primitive {
    Primitive(name: "\(f)") { engine in
      [engine.activation(x, f), engine.activationBackward(x, f, gradient: y)]
    }
  }

  private static func products(_ name: String, _ weight: Weight) -> Primitive {
    Primitive(name: "products with a weight in \(name)") { engine in
      let dy = numbers([tokens, weight.rows], 5)
      let row = x.rows(0..<1)
      return [
        engine.product(x, transposed: weight), engine.product(dy, weight),
        engine.product(row, transposed: weight),
      ]
    }
  }

  /// Weights `[20, 48]` in every type that a device keeps, and in some that it doesn't.
  static let weights: [(String, Weight)] = {
    let floats = numbers([20, width], 6)
    let rounded = floats.floats.map { BFloat16($0) }
    let halves = floats.floats.map { Float16($0) }
    let codes = (0..<20 * width).map { UInt8($0 % 120) }
    func view(_ dtype: DType, _ bytes: RawSpan) -> Weight {
      Weight(StoredWeight(TensorView(name: "", dtype: dtype, shape: [20, width], copying: bytes)))
    }
    func scaled(_ shape: [Int], tile: ScaleRule.Tile? = nil) -> Weight {
      let factors = numbers(shape, 11).floats.map { 0.01 * (1 + abs($0)) }
      let codes = TensorView(
        name: "", dtype: .f8E4M3, shape: [20, width], copying: unsafe codes.span.bytes)
      let rule = ScaleRule(name: "s", tile: tile, hasRuns: tile == nil)
      guard
        let scale = try? StoredScale(
          [.init(TensorView(name: "s", shape: shape, factors), rule)], weight: [20, width], of: "w")
      else { preconditionFailure("a scale that goes with its weight") }
      return Weight(StoredWeight(codes, scale: scale))
    }
    return [
      ("float32", Weight(floats)), ("bfloat16", unsafe view(.bf16, rounded.span.bytes)),
      ("float16", unsafe view(.f16, halves.span.bytes)),
      ("float8", unsafe view(.f8E4M3, codes.span.bytes)),
      ("wide float8", unsafe view(.f8E5M2, codes.span.bytes)),
      ("scaled float8", scaled([1])), ("float8 with scaled rows", scaled([20, 1])),
      ("float8 with scaled runs", scaled([20, 4, 1])),
      ("float8 with scaled tiles", scaled([2, 3], tile: .init(rows: 10, columns: 16))),
    ]
  }()

  /// All of them but attention and guidance.
  static let all: [Primitive] =
    weights.map { products($0.0, $0.1) }
    + [Activation.geluTanh, .gelu, .silu, .quickGELU].map(activation)
    + [norm(true, width: 48), norm(false, width: 48), norm(false, width: 12)]
    + [rotation(.neighbours), rotation(.halves)]
    + [
      Primitive(name: "products of tensors") { engine in
        [
          engine.product(x, transposeA: true, y, transposeB: false, factor: 1),
          engine.product(x, transposeA: false, y, transposeB: true, factor: 0.25),
          engine.product(
            x, transposeA: false, numbers([width, 5], 8), transposeB: false, factor: -2),
          engine.product(
            x, transposeA: true, numbers([5, tokens], 9), transposeB: true, factor: 1),
        ]
      },
      Primitive(name: "sums and products of elements") { engine in
        var sum = engine.multiply(x, y)
        engine.add(x, times: -1.5, to: &sum)
        engine.add(vector, toRowsOf: &sum)
        return [sum, engine.zeros([3, 2])]
      },
      Primitive(name: "rows with vectors", roundings: 3) { engine in
        let narrow = numbers([12], 10)
        return [
          engine.scaleRows(x, by: vector, offset: 1, shift: vector),
          engine.scaleRows(x, by: narrow, offset: 0, shift: nil),
          engine.gatedSum(x, y, gate: vector), engine.columnSums(x, times: nil),
          engine.columnSums(x, times: y),
        ]
      },
      Primitive(name: "mean square") { engine in
        let (mean, difference) = engine.meanSquare(x, minus: y)
        return [
          mean, difference,
          engine.meanSquareBackward(difference, gradient: Tensor(shape: [], [0.5])),
        ]
      },
      Primitive(name: "parts") { engine in
        let both = engine.concatenateRows(x, y)
        let wide = engine.concatenateColumns(x, y)
        return [
          both, wide, engine.rows(5..<60, of: both), engine.columns(40..<70, of: wide),
          engine.spreadRows(x, from: 3, in: [tokens + 10, width]),
          engine.spreadColumns(
            [(2, engine.columns(0..<9, of: x)), (30, y)], in: [tokens, 90]),
        ]
      },
      convolution("same", [12, 5, 3, 3], .same), convolution("points", [12, 5, 1, 1], .same),
      convolution("halved", [12, 5, 3, 3], .halved),
      convolution("doubled", [12, 5, 3, 3], .doubled),
      convolution("in time", [12, 5, 3, 3, 3], .same),
      Primitive(name: "guidance", roundings: 3) { engine in
        let form = GuidanceForm(scale: 4, keepsNorm: true)
        let gradients = engine.guideBackward(x, against: y, form, gradient: y)
        return [engine.guide(x, against: y, form), gradients.positive, gradients.negative]
      },
    ]
}

@Suite("Every primitive of PyTorch's engine agrees with the host's", FoundTorch.isThere)
struct TorchPrimitiveTests {
  private let host = HostEngine(products: ProductSettings())

  /// Sums of up to 100 float32 terms in another order, and elementary functions of another library, are off by
  /// some 2^-24 of their norm.
  @Test("in float32", arguments: Primitive.all)
  func float32(primitive: Primitive) throws {
    let found = primitive.results(try FoundTorch.engine())
    for (found, expected) in zip(found, primitive.results(host)) {
      #expect(found.shape == expected.shape)
      #expect(relativeError(found.floats, expected.floats) <= 2e-6)
    }
  }

  /// A number rounded to bfloat16 is off by 2^-9 of itself at most.
  @Test("in bfloat16", arguments: Primitive.all)
  func bfloat16(primitive: Primitive) throws {
    let found = primitive.results(try FoundTorch.engine(.bfloat16))
    for (found, expected) in zip(found, primitive.results(host)) {
      #expect(found.shape == expected.shape)
      #expect(
        relativeError(found.floats, expected.floats) <= 0x1p-9 * Double(primitive.roundings))
    }
  }

  @Test("twice with the same bits", arguments: Primitive.all, ProductPrecision.allCases)
  func repeated(primitive: Primitive, precision: ProductPrecision) throws {
    let engine = try FoundTorch.engine(precision)
    let (first, second) = (primitive.results(engine), primitive.results(engine))
    #expect(first.map(\.floats) == second.map(\.floats))
  }

  @Test("of one vector a pass on the host, where these layers stay there")
  func hostedVectors() throws {
    let engine = try FoundTorch.engine(.bfloat16)
    engine.session.keepsVectorsOnHost = true
    let (row, weight) = (numbers([1, 48], 0), Weight(numbers([20, 48], 1)))
    var found = engine.product(row, transposed: weight)
    engine.add(numbers([20], 2), toRowsOf: &found)
    found = engine.activation(found, .silu)
    var expected = host.product(row, transposed: weight)
    host.add(numbers([20], 2), toRowsOf: &expected)
    #expect(found.onDevice == nil)
    #expect(found == host.activation(expected, .silu))
    #expect(engine.session.crossings == TorchSession.Crossings())
    #expect(!weight.isCopied(in: engine.session))
  }

  @Test("with weights and vectors copied once, and a vector again when it changes")
  func copies() throws {
    let engine = try FoundTorch.engine()
    let (x, weight) = (numbers([3, 48], 0), Weight(numbers([20, 48], 1)))
    var bias = numbers([20], 2)
    func results() -> (found: Tensor, expected: Tensor) {
      func result(_ engine: any Engine) -> Tensor {
        var y = engine.product(x, transposed: weight)
        engine.add(bias, toRowsOf: &y)
        return y
      }
      return (result(engine), result(host))
    }
    _ = results()
    #expect(engine.session.crossings.weights == 1 && engine.session.crossings.uploads == 2)
    _ = results()
    #expect(engine.session.crossings.weights == 1 && engine.session.crossings.uploads == 3)
    bias.scale(by: 2)
    let (found, expected) = results()
    #expect(engine.session.crossings.weights == 1 && engine.session.crossings.uploads == 5)
    #expect(relativeError(found.floats, expected.floats) <= 2e-6)
  }

  @Test(
    "with the bytes of a bfloat16 file where they are",
    .enabled(if: FoundTorch.device.isProcessor, "of processors"))
  func borrowed() throws {
    let engine = try FoundTorch.engine()
    let rounded = numbers([20, 48], 1).floats.map { BFloat16($0) }
    let weight = Weight(
      StoredWeight(
        unsafe TensorView(name: "", dtype: .bf16, shape: [20, 48], copying: rounded.span.bytes)))
    _ = engine.product(numbers([3, 48], 0), transposed: weight)
    #expect(engine.session.crossings.weights == 1)
    #expect(engine.session.crossings.weightByteCount == 0)
  }
}
