extension HostEngine {
  package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) -> Tensor {
    let tiled = tiledAttention(q, k, v, form)
    guard k.rows > 0 else { return zeros(q.shape) }
    return unsafe Tensor(shape: q.shape) { output in
      unsafe withPointers(q, k, v) { q, k, v in
        guard let output = output.baseAddress else { return }
        unsafe tiled.forward(q, k, v, into: output)
      }
    }
  }

  package func attentionBackward(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm, gradient: Tensor
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    precondition(gradient.shape == q.shape, "the gradient must be of the output's shape")
    let tiled = tiledAttention(q, k, v, form)
    guard q.rows > 0, k.rows > 0 else { return (zeros(q.shape), zeros(k.shape), zeros(v.shape)) }
    var dq = Tensor(unspecified: q.shape)
    var dk = Tensor(unspecified: k.shape)
    var dv = Tensor(unspecified: v.shape)
    unsafe withPointers(q, k, v) { q, k, v in
      unsafe withMutablePointers(&dq, &dk, &dv) { dq, dk, dv in
        unsafe gradient.withFloats { dOut in
          guard let dOut = dOut.baseAddress else { return }
          unsafe tiled.backward(
            AttentionOperands(q: q, k: k, v: v, dOut: dOut, dq: dq, dk: dk, dv: dv))
        }
      }
    }
    return (dq, dk, dv)
  }

  /// Bytes that ``attention(_:_:_:_:)`` borrows, for all threads together and for each.
  func scratchOfAttention(
    _ q: Tensor, _ k: Tensor, _ form: AttentionForm
  ) -> (shared: Int, ofThread: Int) { tiledAttention(q, k, k, form).forwardScratch }

  /// Bytes that a thread borrows in ``attentionBackward(_:_:_:_:gradient:)``.
  func scratchOfAttentionBackward(_ q: Tensor, _ k: Tensor, _ form: AttentionForm) -> Int {
    HeadPlan(tiledAttention(q, k, k, form)).byteCount
  }

  private func tiledAttention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm
  ) -> TiledAttention {
    let channels = q.columns / form.heads
    precondition(q.columns == form.heads * channels, "q must be [queries, heads * channels]")
    precondition(k.columns == form.keyValueHeads * channels && k.shape == v.shape)
    return TiledAttention(
      form: form, product: StripProduct(products), queries: q.rows,
      keys: k.rows, channels: channels)
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
