/// How the scores of an attention are formed.
public struct AttentionForm: Sendable {
  /// Query heads.
  public var heads: Int
  /// Key and value heads; each serves `heads / keyValueHeads` query heads.
  public var keyValueHeads: Int
  /// Factor of the scores; usually 1 / sqrt(head channels).
  public var scale: Float
  /// Whether a query sees only keys up to its own position.
  public var isCausal: Bool
  /// Added to the score of a key `offset` positions after its query: `[heads, 2 · tokens - 1]`,
  /// entry `offset + tokens - 1`. Nil: nothing is added.
  public var relativeBias: Tensor?

  /// A form; without more, full attention with the usual scale is `AttentionForm(heads:scale:)`.
  public init(
    heads: Int, keyValueHeads: Int? = nil, scale: Float, isCausal: Bool = false,
    relativeBias: Tensor? = nil
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.scale = scale
    self.isCausal = isCausal
    self.relativeBias = relativeBias
  }
}

extension Tape {
  /// softmax(scale · q · kᵀ + bias) · v, each head by itself, in tiles of queries and blocks of keys:
  /// the matrix of all scores never exists.
  ///
  /// Source of the gradient: Dao et al., "FlashAttention" (arXiv 2205.14135), appendix B; scores are
  /// computed again in the backward pass.
  ///
  /// - Parameters:
  ///   - q: `[queries, heads · headChannels]`.
  ///   - k: `[keys, keyValueHeads · headChannels]`.
  ///   - v: the same shape as `k`.
  ///   - form: heads, scale, mask.
  /// - Returns: `[queries, heads · headChannels]`.
  public func attention(_ q: Variable, _ k: Variable, _ v: Variable, _ form: AttentionForm)
    -> Variable
  {
    let output = engine.attention(q.tensor, k.tensor, v.tensor, form)
    return record(output, from: [q, k, v], saving: [q, k, v].map { .value(of: $0) }) {
      [engine] saved, dy in
      let (dq, dk, dv) = engine.attentionBackward(
        saved[0], saved[1], saved[2], form, gradient: dy)
      return [dq, dk, dv]
    }
  }
}
