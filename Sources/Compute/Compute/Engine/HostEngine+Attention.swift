internal import CKernels
internal import Concurrency

extension HostEngine {
  package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) -> Tensor {
    AttentionShape(q, k, v, form).forward(q, k, v)
  }

  package func attentionBackward(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm, gradient: Tensor
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    let (dq, dk, dv) = AttentionShape(q, k, v, form).backward(q, k, v, gradient: gradient)
    return (dq, dk, dv)
  }
}

extension HostEngine {
  /// Bytes that a thread borrows in ``attention(_:_:_:_:)``.
  func scratchOfAttention(_ q: Tensor, _ k: Tensor, _ form: AttentionForm) -> Int {
    4 * min(q.rows, AttentionShape.tile) * k.rows
  }

  /// Bytes that a thread borrows in ``attentionBackward(_:_:_:_:gradient:)``.
  func scratchOfAttentionBackward(_ q: Tensor, _ k: Tensor, _ form: AttentionForm) -> Int {
    2 * scratchOfAttention(q, k, form)
  }
}

/// Sizes of one attention and the loops over its heads and tiles.
private struct AttentionShape {
  let form: AttentionForm
  let queries: Int
  let keys: Int
  let channels: Int

  /// Queries whose scores exist at one time on one thread.
  static let tile = 128

  init(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) {
    self.form = form
    queries = q.rows
    keys = k.rows
    channels = q.columns / form.heads
    precondition(q.columns == form.heads * channels, "q must be [queries, heads * channels]")
    precondition(k.columns == form.keyValueHeads * channels && k.shape == v.shape)
    precondition(form.heads % form.keyValueHeads == 0, "query heads must share key heads evenly")
    precondition(!form.isCausal || queries == keys, "a causal mask needs as many queries as keys")
    precondition(form.relativeBias.map { $0.shape == [form.heads, 2 * keys - 1] } ?? true)
  }

  private var tiles: Int { (queries + Self.tile - 1) / Self.tile }
  private func rows(_ tile: Int) -> Range<Int> {
    tile * Self.tile..<min(queries, (tile + 1) * Self.tile)
  }
  private var queryStride: Int { form.heads * channels }
  private var keyStride: Int { form.keyValueHeads * channels }
  private func keyOffset(_ head: Int) -> Int {
    head / (form.heads / form.keyValueHeads) * channels
  }
  private var work: Int { 4 * form.heads * queries * keys * channels }

  /// Fills `scores` with the attention weights of a tile of queries, `[rows, keys]`.
  private func weights(
    _ head: Int, _ rows: Range<Int>, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    into scores: UnsafeMutablePointer<Float>
  ) {
    unsafe multiplyOnOneThread(
      m: rows.count, n: keys, k: channels,
      MatrixView(start: q + rows.lowerBound * queryStride + head * channels, stride: queryStride),
      transposeA: false, MatrixView(start: k + keyOffset(head), stride: keyStride),
      transposeB: true, factor: form.scale, into: MutableMatrixView(start: scores, stride: keys))
    if let bias = form.relativeBias {
      unsafe bias.withFloats { bias in
        for row in rows {
          let first = head * (2 * keys - 1) + keys - 1 - row
          let line = unsafe scores + (row - rows.lowerBound) * keys
          for key in 0..<keys { unsafe line[key] += bias[first + key] }
        }
      }
    }
    if form.isCausal {
      for row in rows {
        let line = unsafe scores + (row - rows.lowerBound) * keys
        for key in row + 1..<max(row + 1, keys) { unsafe line[key] = -.infinity }
      }
    }
    unsafe ck_softmax_rows(scores, rows.count, keys)
  }

  func forward(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    unsafe Tensor(shape: [queries, queryStride]) { output in
      unsafe withPointers(q, k, v) { q, k, v in
        guard let out = output.baseAddress else { return }
        Parallel.forEach(form.heads * tiles, work: work) { index in
          let (head, rows) = (index / tiles, rows(index % tiles))
          unsafe Scratch.withFloats(rows.count * keys) { scores in
            unsafe weights(head, rows, q, k, into: scores)
            unsafe multiplyOnOneThread(
              m: rows.count, n: channels, k: keys, MatrixView(start: scores, stride: keys),
              transposeA: false, MatrixView(start: v + keyOffset(head), stride: keyStride),
              transposeB: false,
              into: MutableMatrixView(
                start: out + rows.lowerBound * queryStride + head * channels, stride: queryStride))
          }
        }
      }
    }
  }

  /// Gradients of q, k and v. Heads that share keys run one after the other, so that sums have one
  /// order.
  func backward(_ q: Tensor, _ k: Tensor, _ v: Tensor, gradient: Tensor)
    -> (Tensor, Tensor, Tensor)
  {
    var dq = Tensor(shape: q.shape, repeating: 0)
    var dk = Tensor(shape: k.shape, repeating: 0)
    var dv = Tensor(shape: v.shape, repeating: 0)
    unsafe withPointers(q, k, v) { q, k, v in
      unsafe withMutablePointers(&dq, &dk, &dv) { dq, dk, dv in
        unsafe gradient.withFloats { dOut in
          guard let dOut = dOut.baseAddress else { return }
          let group = form.heads / form.keyValueHeads
          Parallel.forEach(form.keyValueHeads, work: 3 * work) { keyHead in
            for head in keyHead * group..<(keyHead + 1) * group {
              for tile in 0..<tiles {
                unsafe backwardTile(head, rows(tile), q, k, v, dOut, dq, dk, dv)
              }
            }
          }
        }
      }
    }
    return (dq, dk, dv)
  }

  private func backwardTile(
    _ head: Int, _ rows: Range<Int>,
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ dOut: UnsafePointer<Float>, _ dq: UnsafeMutablePointer<Float>,
    _ dk: UnsafeMutablePointer<Float>, _ dv: UnsafeMutablePointer<Float>
  ) {
    let queryStart = rows.lowerBound * queryStride + head * channels
    let keyStart = keyOffset(head)
    let count = rows.count * keys
    unsafe Scratch.withFloats(2 * count) { scratch in
      let p = unsafe MatrixView(start: scratch, stride: keys)
      let dScores = unsafe MatrixView(start: scratch + count, stride: keys)
      let dOutTile = unsafe MatrixView(start: dOut + queryStart, stride: queryStride)
      unsafe weights(head, rows, q, k, into: scratch)
      unsafe multiplyOnOneThread(  // dv += pᵀ · dOut
        m: keys, n: channels, k: rows.count, p, transposeA: true, dOutTile, transposeB: false,
        accumulate: true, into: MutableMatrixView(start: dv + keyStart, stride: keyStride))
      unsafe multiplyOnOneThread(  // dp = dOut · vᵀ
        m: rows.count, n: keys, k: channels, dOutTile, transposeA: false,
        MatrixView(start: v + keyStart, stride: keyStride), transposeB: true,
        into: MutableMatrixView(start: scratch + count, stride: keys))
      unsafe ck_softmax_backward_rows(scratch, scratch + count, rows.count, keys)
      unsafe multiplyOnOneThread(  // dq = scale · dScores · k
        m: rows.count, n: channels, k: keys, dScores, transposeA: false,
        MatrixView(start: k + keyStart, stride: keyStride), transposeB: false, factor: form.scale,
        into: MutableMatrixView(start: dq + queryStart, stride: queryStride))
      unsafe multiplyOnOneThread(  // dk += scale · dScoresᵀ · q
        m: keys, n: channels, k: rows.count, dScores, transposeA: true,
        MatrixView(start: q + queryStart, stride: queryStride), transposeB: false,
        factor: form.scale, accumulate: true,
        into: MutableMatrixView(start: dk + keyStart, stride: keyStride))
    }
  }
}

private func withPointers(
  _ a: Tensor, _ b: Tensor, _ c: Tensor,
  _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) -> Void
) {
  unsafe a.withFloats { a in
    unsafe b.withFloats { b in
      unsafe c.withFloats { c in
        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
        unsafe body(a, b, c)
      }
    }
  }
}

private func withMutablePointers(
  _ a: inout Tensor, _ b: inout Tensor, _ c: inout Tensor,
  _ body: (
    UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>
  ) -> Void
) {
  unsafe a.withMutableFloats { a in
    unsafe b.withMutableFloats { b in
      unsafe c.withMutableFloats { c in
        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
        unsafe body(a, b, c)
      }
    }
  }
}
