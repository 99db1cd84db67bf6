internal import Compute
internal import ModelLoading

/// Queries, keys and values of one stream of tokens, with the norms of queries and keys.
struct AttentionProjections: Sendable {
  let query: LinearLayer
  let key: LinearLayer
  let value: LinearLayer
  private let queryNorm: Tensor
  private let keyNorm: Tensor

  /// The names of a stream's tensors inside an attention module.
  struct Names {
    let query: String
    let key: String
    let value: String
    let queryNorm: String
    let keyNorm: String

    /// The image stream of a double block, or all tokens of a single block.
    static let image = Names(
      query: "to_q", key: "to_k", value: "to_v", queryNorm: "norm_q", keyNorm: "norm_k")
    /// The text stream of a double block.
    static let text = Names(
      query: "add_q_proj", key: "add_k_proj", value: "add_v_proj", queryNorm: "norm_added_q",
      keyNorm: "norm_added_k")
  }

  init(_ loader: WeightLoader, _ names: Names, width: Int, headChannels: Int) throws(ModelError) {
    query = try loader.linear(names.query, from: width, to: width)
    key = try loader.linear(names.key, from: width, to: width)
    value = try loader.linear(names.value, from: width, to: width)
    queryNorm = try loader.floats(names.queryNorm + ".weight", shape: [headChannels])
    keyNorm = try loader.floats(names.keyNorm + ".weight", shape: [headChannels])
  }

  var layers: [LinearLayer] { [query, key, value] }

  /// Normalised queries `[tokens, width]`.
  func queries(_ tape: Tape, _ x: Variable) -> Variable {
    tape.rmsNorm(tape.linear(x, query), weight: queryNorm, epsilon: 1e-6)
  }

  /// Normalised keys `[tokens, width]`.
  func keys(_ tape: Tape, _ x: Variable) -> Variable {
    tape.rmsNorm(tape.linear(x, key), weight: keyNorm, epsilon: 1e-6)
  }

  /// Values `[tokens, width]`.
  func values(_ tape: Tape, _ x: Variable) -> Variable { tape.linear(x, value) }
}

/// Attention of a block over all tokens: rotated queries and keys, one softmax.
struct BlockAttention: Sendable {
  let heads: Int
  let headChannels: Int

  /// What the queries find, `[queries, width]`; they are those of the tokens from `firstQuery` on.
  func callAsFunction(
    _ tape: Tape, q: Variable, k: Variable, v: Variable, positions: RotaryTable, firstQuery: Int
  ) -> Variable {
    let form = AttentionForm(heads: heads, scale: 1 / Float(headChannels).squareRoot())
    return tape.attention(
      tape.rotated(q, by: firstQuery == 0 ? positions : positions.dropFirst(firstQuery)),
      tape.rotated(k, by: positions), v, form)
  }
}
