internal import Elements
internal import Tensors

/// How fast this machine computes, tried out in a fraction of a second: for forecasts, on the engine's own
/// kernels and with all threads.
package struct MachineSpeed: Sendable {
  /// Floating-point operations a second of products with stored weights, tried on bfloat16 ones. In float32
  /// that is too much for weights of another form where the processor has AMX, which doesn't take these.
  package let products: Double
  /// Floating-point operations a second of attention.
  package let attention: Double
  /// Bytes a second that element by element operations write.
  package let writing: Double

  /// Tries the engine.
  ///
  /// - Parameters:
  ///   - engine: what computes; a result is asked for, since a device computes while others go on.
  ///   - tokens: rows of the operands; no more than 768 are tried.
  ///   - headChannels: of an attention head.
  package init(trying engine: any Engine, tokens: Int, headChannels: Int) {
    let rows = min(max(tokens, 1), 768)
    let width = 24 * headChannels
    let stream = RandomStream(seed: 0, purpose: .adapterInitialisation)
    func random(_ rows: Int) -> Tensor {
      Tensor(shape: [rows, width], stream.normals(count: rows * width))
    }
    let x = random(rows)
    let numbers = random(width).floats.map { BFloat16($0) }
    let weight = Weight(
      StoredWeight(
        unsafe TensorView(
          name: "", dtype: .bf16, shape: [width, width], copying: numbers.span.bytes)))
    func finish(_ result: Tensor) { _ = engine.columns(0..<1, of: result).onHost() }
    products =
      Double(2 * rows * width * width)
      / Self.seconds { finish(engine.product(x, transposed: weight)) }
    let form = AttentionForm(heads: 24, scale: 1 / Float(headChannels).squareRoot())
    attention =
      Double(4 * rows * rows * width) / Self.seconds { finish(engine.attention(x, x, x, form)) }
    let gate = x.rows(0..<1)
    writing = Double(4 * x.count) / Self.seconds { finish(engine.gatedSum(x, x, gate: gate)) }
  }

  /// The shortest of three times, after a first.
  private static func seconds(_ body: () -> Void) -> Double {
    body()
    return (0..<3).map { _ in
      let begin = ContinuousClock.now
      body()
      return (ContinuousClock.now - begin) / .seconds(1)
    }.min() ?? 0
  }
}
