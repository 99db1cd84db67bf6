internal import Compute
internal import Elements
internal import ModelLoading

/// A block in which image and text keep streams of their own and meet in one attention.
///
/// Both families have it, under different names of their tensors.
///
/// Source: huggingface/diffusers, `transformer_flux.py`, `FluxTransformerBlock.forward`;
/// `transformer_qwenimage.py`, `QwenImageTransformerBlock.forward`.
struct DoubleBlock: Sendable {
  /// The names of one stream's tensors inside a block.
  struct StreamNames {
    /// The linear layer that makes the six modulation vectors.
    let modulation: String
    /// Queries, keys, values and their norms.
    let projections: AttentionProjections.Names
    /// The layer after attention.
    let output: String
    /// The module that holds the two layers of the MLP.
    let mlp: String
  }

  /// What one stream has of its own.
  private struct Stream: Sendable {
    let modulation: LinearLayer
    let projections: AttentionProjections
    let output: LinearLayer
    let widen: LinearLayer
    let narrow: LinearLayer

    init(_ loader: WeightLoader, _ names: StreamNames, _ size: BlockSize) throws(ModelError) {
      let attention = loader.module("attn")
      modulation = try loader.linear(names.modulation, from: size.width, to: 6 * size.width)
      projections = try AttentionProjections(
        attention, names.projections, width: size.width, headChannels: size.headChannels)
      output = try attention.linear(names.output, from: size.width, to: size.width)
      let mlp = loader.module(names.mlp)
      widen = try mlp.linear("net.0.proj", from: size.width, to: size.mlpWidth)
      narrow = try mlp.linear("net.2", from: size.mlpWidth, to: size.width)
    }

    var tokenLayers: [LinearLayer] { projections.layers + [output, widen, narrow] }
    var vectorLayers: [LinearLayer] { [modulation] }
    var layers: [LinearLayer] { vectorLayers + tokenLayers }

    /// Attention's share and the MLP, added to the stream. Modulation vectors in order: shift,
    /// scale, gate of attention; shift, scale, gate of the MLP.
    func finish(
      _ tape: Tape, _ x: Variable, attention: Variable, modulation: Variable
    ) -> Variable {
      let attended = tape.gatedSum(x, tape.linear(attention, output), by: modulation, gate: 2)
      let normed = tape.modulatedNorm(
        attended, by: modulation, shift: 3, scale: 4, epsilon: 1e-6)
      let hidden = tape.activated(tape.linear(normed, widen), .geluTanh)
      return tape.gatedSum(attended, tape.linear(hidden, narrow), by: modulation, gate: 5)
    }
  }

  let name: String
  private let image: Stream
  private let text: Stream
  private let attention: BlockAttention

  init(
    _ loader: WeightLoader, name: String, image: StreamNames, text: StreamNames, size: BlockSize
  ) throws(ModelError) {
    self.name = name
    let block = loader.module(name)
    self.image = try Stream(block, image, size)
    self.text = try Stream(block, text, size)
    attention = BlockAttention(heads: size.heads, headChannels: size.headChannels)
  }

  var layers: [LinearLayer] { image.layers + text.layers }
  /// The layers that act on tokens.
  var tokenLayers: [LinearLayer] { image.tokenLayers + text.tokenLayers }
  /// Those that act on the conditioning vector.
  var vectorLayers: [LinearLayer] { image.vectorLayers + text.vectorLayers }

  /// Both streams after the block.
  ///
  /// - Parameters:
  ///   - tape: where to compute.
  ///   - text: `[textTokens, width]`.
  ///   - image: `[imageTokens, width]`.
  ///   - modulator: makes the modulation of both.
  ///   - positions: of text tokens, then image tokens.
  ///   - finishesText: whether anything depends on the text stream after the block; else it is returned as
  ///     it came.
  /// - Returns: text and image streams.
  func callAsFunction(
    _ tape: Tape, text: Variable, image: Variable, modulator: Modulator, positions: RotaryTable,
    finishesText: Bool
  ) -> [Variable] {
    let imageModulation = modulator(tape, self.image.modulation)
    let textModulation = modulator(tape, self.text.modulation)
    let normedImage = tape.modulatedNorm(
      image, by: imageModulation, shift: 0, scale: 1, epsilon: 1e-6)
    let normedText = tape.modulatedNorm(
      text, by: textModulation, shift: 0, scale: 1, epsilon: 1e-6)
    let (ofImage, ofText) = (self.image.projections, self.text.projections)
    let imageQueries = ofImage.queries(tape, normedImage)
    let textCount = text.tensor.rows
    let queries =
      finishesText
      ? tape.concatenatedRows(ofText.queries(tape, normedText), imageQueries) : imageQueries
    let attended = attention(
      tape, q: queries,
      k: tape.concatenatedRows(ofText.keys(tape, normedText), ofImage.keys(tape, normedImage)),
      v: tape.concatenatedRows(ofText.values(tape, normedText), ofImage.values(tape, normedImage)),
      positions: positions,
      firstQuery: finishesText ? 0 : textCount)
    func finishedImage(_ attention: Variable) -> Variable {
      self.image.finish(tape, image, attention: attention, modulation: imageModulation)
    }
    guard finishesText else {
      tape.leaveOut(ofText.query)
      return [text, finishedImage(attended)]
    }
    return [
      self.text.finish(
        tape, text, attention: tape.rows(0..<textCount, of: attended), modulation: textModulation),
      finishedImage(tape.rows(textCount..<attended.tensor.rows, of: attended)),
    ]
  }
}

/// Sizes that all blocks of a model share.
struct BlockSize: Sendable {
  /// Channels of a token.
  let width: Int
  /// Attention heads.
  let heads: Int
  /// Channels of the MLP's inner layer.
  let mlpWidth: Int
  var headChannels: Int { width / heads }
}
