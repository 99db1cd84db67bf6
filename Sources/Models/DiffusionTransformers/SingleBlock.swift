internal import Compute
internal import Elements
internal import ModelLoading

/// A block of FLUX.1 in which text and image are one sequence, attention and MLP run side by side,
/// and one layer takes both.
///
/// Source: huggingface/diffusers, `transformer_flux.py`, `FluxSingleTransformerBlock.forward`.
struct SingleBlock: Sendable {
  let name: String
  private let modulation: LinearLayer
  private let projections: AttentionProjections
  private let widen: LinearLayer
  private let output: LinearLayer
  private let attention: BlockAttention

  init(_ loader: WeightLoader, name: String, size: BlockSize) throws(ModelError) {
    self.name = name
    let block = loader.module(name)
    modulation = try block.linear("norm.linear", from: size.width, to: 3 * size.width)
    projections = try AttentionProjections(
      block.module("attn"), .image, width: size.width, headChannels: size.headChannels)
    widen = try block.linear("proj_mlp", from: size.width, to: size.mlpWidth)
    output = try block.linear("proj_out", from: size.width + size.mlpWidth, to: size.width)
    attention = BlockAttention(heads: size.heads, headChannels: size.headChannels)
  }

  var layers: [LinearLayer] { vectorLayers + tokenLayers }
  /// The layer that acts on the conditioning vector.
  var vectorLayers: [LinearLayer] { [modulation] }
  /// The layers that act on tokens.
  var tokenLayers: [LinearLayer] { projections.layers + [widen, output] }

  /// The tokens after the block.
  ///
  /// - Parameters:
  ///   - tape: where to compute.
  ///   - x: `[tokens, width]`, text before image.
  ///   - modulator: makes the modulation.
  ///   - positions: of all tokens.
  ///   - first: the first token that anything depends on after the block; those before it are keys and
  ///     values only.
  /// - Returns: `[tokens - first, width]`.
  func callAsFunction(
    _ tape: Tape, _ x: Variable, modulator: Modulator, positions: RotaryTable, from first: Int
  ) -> Variable {
    func wanted(_ x: Variable) -> Variable {
      first == 0 ? x : tape.rows(first..<x.tensor.rows, of: x)
    }
    let vectors = modulator(tape, modulation)
    let normed = tape.modulatedNorm(x, by: vectors, shift: 0, scale: 1, epsilon: 1e-6)
    let queried = wanted(normed)
    let attended = attention(
      tape, q: projections.queries(tape, queried), k: projections.keys(tape, normed),
      v: projections.values(tape, normed), positions: positions, firstQuery: first)
    let hidden = tape.activated(tape.linear(queried, widen), .geluTanh)
    let both = tape.concatenatedColumns(attended, hidden)
    return tape.gatedSum(wanted(x), tape.linear(both, output), by: vectors, gate: 2)
  }
}
