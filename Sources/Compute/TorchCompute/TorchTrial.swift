internal import Compute
internal import Elements
internal import Tensors

/// A trial of a device before anything is computed there: every kind of primitive on numbers whose results the
/// host knows, and the gradients of attention twice. PyTorch promises its C functions, not the arguments of
/// operations: an argument that means something else now, or a kernel that does not fit the device, shows here.
struct TorchTrial {
  private let engine: TorchEngine
  private let host = HostEngine(products: ProductSettings())

  init(_ engine: TorchEngine) { self.engine = engine }

  private static let tokens = 40
  private static let width = 128
  private static let heads = 2

  /// Compares.
  ///
  /// - Throws: ``TorchError/wrongResults(device:torch:what:)``.
  func run() throws(TorchError) {
    let results = (of(engine), again: of(engine), expected: of(host))
    for (index, (what, expected)) in results.expected.enumerated() {
      let (found, again) = (results.0[index].value.onHost(), results.again[index].value.onHost())
      guard found == again || !engine.session.record.isDeterministic else {
        throw wrong("\(what) (not twice the same)")
      }
      guard difference(found, expected) <= bound else { throw wrong(what) }
    }
  }

  /// Relative to the norm: float32 sums of some hundred terms are off by 1e-6, and a number rounded to bfloat16 by
  /// 2e-3, here up to three times one after the other.
  private var bound: Double { engine.session.precision == .float32 ? 1e-4 : 0.02 }

  private func wrong(_ what: String) -> TorchError {
    .wrongResults(device: engine.session.name, torch: engine.session.version, what: what)
  }

  private func difference(_ found: Tensor, _ expected: Tensor) -> Double {
    var difference = found
    difference.add(expected, times: -1)
    let error = difference.norm / max(expected.norm, 1e-30)
    return error.isFinite ? error : .infinity
  }

  private func numbers(_ shape: [Int], _ seed: UInt32) -> Tensor {
    let stream = RandomStream(seed: 1, purpose: .initialLatent, step: seed)
    return Tensor(shape: shape, stream.normals(count: shape.reduce(1, *)))
  }

  /// What an engine makes of the trial's numbers.
  private func of(_ engine: any Engine) -> [(what: String, value: Tensor)] {
    let (tokens, width) = (Self.tokens, Self.width)
    let x = numbers([tokens, width], 0)
    let dy = numbers([tokens, width], 1)
    let (k, v) = (numbers([tokens, width], 2), numbers([tokens, width], 3))
    let weight = Weight(numbers([width, width], 4))
    let vector = numbers([width], 5)
    let table = RotaryTable(
      cosines: numbers([tokens, width / 4], 6), sines: numbers([tokens, width / 4], 7),
      pairing: .neighbours)
    let form = AttentionForm(heads: Self.heads, scale: 0.1)
    // Eight rows of five pixels, doubled.
    let taps = StoredWeight(
      TensorView(name: "", shape: [8, width, 3, 3], numbers([8 * width * 9], 8).floats))
    let convolution = PixelConvolution(
      weight: Weight(taps), bias: numbers([8], 9).floats, sampling: .doubled)
    let norm = NormForm(width: width, epsilon: 1e-6, isCentred: true)
    let attended = engine.attentionBackward(x, k, v, form, gradient: dy)
    let normalized = engine.normalize(x, norm)
    let (mean, difference) = engine.meanSquare(x, minus: k)
    var sum = engine.multiply(x, dy)
    engine.add(k, times: -0.5, to: &sum)
    engine.add(vector, toRowsOf: &sum)
    return [
      ("products with weights", engine.product(x, transposed: weight)),
      ("gradients of products", engine.product(dy, weight)),
      (
        "products of tensors",
        engine.product(x, transposeA: true, dy, transposeB: false, factor: 0.5)
      ),
      ("attention", engine.attention(x, k, v, form)),
      ("attention's gradient of queries", attended.q),
      ("attention's gradient of keys", attended.k),
      ("attention's gradient of values", attended.v),
      ("GELU", engine.activation(x, .geluTanh)),
      ("GELU's gradient", engine.activationBackward(x, .geluTanh, gradient: dy)),
      ("SiLU", engine.activation(x, .silu)),
      ("SiLU's gradient", engine.activationBackward(x, .silu, gradient: dy)),
      ("norms", normalized.values),
      ("gradients of norms", engine.normalizeBackward(normalized, norm, gradient: dy)),
      ("rotations", engine.rotate(x, by: table, inverse: true)),
      ("modulation", engine.scaleRows(x, by: vector, offset: 1, shift: vector)),
      ("gates", engine.gatedSum(x, dy, gate: vector)),
      ("sums over rows", engine.columnSums(x, times: dy)),
      ("parts of rows", engine.rows(3..<9, of: engine.concatenateColumns(x, dy))),
      ("convolutions", engine.convolve(x, height: 8, width: 5, convolution)),
      ("losses", mean), ("gradients of losses", difference), ("sums", sum),
    ]
  }
}

extension String {
  fileprivate var isDeterministic: Bool { !hasSuffix("not deterministic") }
}
