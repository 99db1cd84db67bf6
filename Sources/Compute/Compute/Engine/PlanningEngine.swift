/// Computes nothing: results have shapes alone, and a ledger counts the memory that they would hold and the
/// arithmetic that they would take. Tensors live and end as they would on the engine that is planned for, so
/// that the peak is that engine's.
package struct PlanningEngine: Engine {
  /// What counts.
  private let ledger: WorkLedger
  /// Whose buffers are counted.
  private let host: HostEngine

  /// An engine that plans for the host.
  package init(_ ledger: WorkLedger, for host: HostEngine = HostEngine()) {
    self.ledger = ledger
    self.host = host
  }

  /// A tensor that counts as memory as long as something refers to it.
  package func placeholder(_ shape: [Int]) -> Tensor { tensor(shape) }

  private func tensor(_ shape: [Int]) -> Tensor { Tensor(planned: shape, in: ledger) }

  package func prepare(_ layers: [LinearLayer]) {}

  /// Enters a convolution of a picture of this size; its pixels are the caller's.
  package func convolve(_ convolution: PixelConvolution, height: Int, width: Int) {
    let plan = host.plan(convolution, height: height, width: width)
    ledger.enter(
      products: plan.operations, scratch: plan.weightByteCount, ofThread: plan.byteCountOfThread)
  }

  package func convolve(
    _ x: Tensor, height: Int, width: Int, _ convolution: PixelConvolution
  ) -> Tensor {
    convolve(convolution, height: height, width: width)
    let filter = convolution.filter
    return tensor(
      [filter.outputSize(height) * filter.outputSize(width), convolution.outChannels])
  }

  package func kept(_ x: Tensor) -> Tensor { host.kept(x) }
  package func restored(_ kept: Tensor) -> Tensor { host.restored(kept) }

  package func product(_ x: Tensor, transposed w: Weight) -> Tensor {
    let scratch = host.scratch(rows: x.rows, isTransposed: true, w)
    ledger.enter(
      products: 2 * x.rows * w.rows * w.columns, scratch: scratch.shared,
      ofThread: scratch.ofThread)
    return tensor([x.rows, w.rows])
  }

  package func product(_ dy: Tensor, _ w: Weight) -> Tensor {
    let scratch = host.scratch(rows: dy.rows, isTransposed: false, w)
    ledger.enter(
      products: 2 * dy.rows * w.rows * w.columns, scratch: scratch.shared,
      ofThread: scratch.ofThread)
    return tensor([dy.rows, w.columns])
  }

  package func product(
    _ a: Tensor, transposeA: Bool, _ b: Tensor, transposeB: Bool, factor: Float
  ) -> Tensor {
    let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
    let n = transposeB ? b.rows : b.columns
    ledger.enter(products: 2 * m * n * k)
    return tensor([m, n])
  }

  package func zeros(_ shape: [Int]) -> Tensor { tensor(shape) }
  package func add(_ b: Tensor, times factor: Float, to a: inout Tensor) { a.claim(in: ledger) }
  package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor { tensor(a.shape) }
  package func activation(_ x: Tensor, _ f: Activation) -> Tensor { tensor(x.shape) }

  package func activationBackward(_ x: Tensor, _ f: Activation, gradient dy: Tensor) -> Tensor {
    tensor(x.shape)
  }

  package func meanSquare(_ x: Tensor, minus target: Tensor) -> (mean: Tensor, difference: Tensor) {
    (tensor([]), tensor(x.shape))
  }

  package func meanSquareBackward(_ difference: Tensor, gradient dy: Tensor) -> Tensor {
    tensor(difference.shape)
  }

  package func guide(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm
  ) -> Tensor { tensor(positive.shape) }

  package func guideBackward(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm, gradient: Tensor
  ) -> (positive: Tensor, negative: Tensor) { (tensor(positive.shape), tensor(positive.shape)) }

  package func add(_ vector: Tensor, toRowsOf x: inout Tensor) { x.claim(in: ledger) }

  package func scaleRows(_ x: Tensor, by scale: Tensor, offset: Float, shift: Tensor?) -> Tensor {
    tensor(x.shape)
  }

  package func columnSums(_ a: Tensor, times b: Tensor?) -> Tensor { tensor([a.columns]) }

  package func gatedSum(_ residual: Tensor, _ x: Tensor, gate: Tensor) -> Tensor { tensor(x.shape) }

  package func concatenateRows(_ a: Tensor, _ b: Tensor) -> Tensor {
    tensor([a.rows + b.rows, a.columns])
  }

  package func rows(_ range: Range<Int>, of x: Tensor) -> Tensor {
    tensor([range.count, x.columns])
  }

  package func spreadRows(_ rows: Tensor, from first: Int, in shape: [Int]) -> Tensor {
    tensor(shape)
  }

  package func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor {
    tensor([a.rows, a.columns + b.columns])
  }

  package func columns(_ range: Range<Int>, of x: Tensor) -> Tensor {
    tensor([x.rows, range.count])
  }

  package func spreadColumns(_ parts: [(first: Int, columns: Tensor)], in shape: [Int]) -> Tensor {
    tensor(shape)
  }

  package func normalize(_ x: Tensor, _ form: NormForm) -> Normalized {
    Normalized(values: tensor(x.shape), reciprocals: tensor([x.count / form.width]))
  }

  package func normalizeBackward(
    _ normalized: Normalized, _ form: NormForm, gradient dy: Tensor
  ) -> Tensor { tensor(dy.shape) }

  package func rotate(_ x: Tensor, by table: RotaryTable, inverse: Bool) -> Tensor {
    tensor(x.shape)
  }

  package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) -> Tensor {
    let scratch = host.scratchOfAttention(q, k, form)
    ledger.enter(
      attention: 4 * q.rows * k.rows * q.columns, scratch: scratch.shared,
      ofThread: scratch.ofThread)
    return tensor(q.shape)
  }

  package func attentionBackward(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm, gradient: Tensor
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    ledger.enter(
      attention: 10 * q.rows * k.rows * q.columns,
      ofThread: host.scratchOfAttentionBackward(q, k, form))
    return (tensor(q.shape), tensor(k.shape), tensor(v.shape))
  }
}
