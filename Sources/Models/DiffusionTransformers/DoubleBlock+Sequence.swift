internal import Compute
internal import ModelLoading

extension DoubleBlock {
  /// The double blocks of a model, `transformer_blocks.0` and so on.
  static func all(
    _ weights: WeightLoader, count: Int, image: StreamNames, text: StreamNames, size: BlockSize
  ) throws(ModelError) -> [DoubleBlock] {
    var blocks: [DoubleBlock] = []
    for index in 0..<count {
      blocks.append(
        try DoubleBlock(
          weights, name: "transformer_blocks.\(index)", image: image, text: text, size: size))
    }
    return blocks
  }
}

extension [DoubleBlock] {
  /// Both streams after every block, each of which is told to the observer.
  ///
  /// - Parameters:
  ///   - tape: where to compute.
  ///   - text: `[textTokens, width]`.
  ///   - image: `[imageTokens, width]`.
  ///   - modulator: makes the blocks' modulation.
  ///   - positions: of text tokens, then image tokens.
  ///   - needsText: whether anything depends on the text stream after the last block; it is then not whole.
  ///   - all: layers of these and all blocks after them whose weights are needed.
  ///   - options: what is kept, and who is told.
  /// - Returns: text and image streams.
  func run(
    _ tape: Tape, text: Variable, image: Variable, modulator: Modulator, positions: RotaryTable,
    needsText: Bool, all: [[LinearLayer]], options: ForwardOptions
  ) -> (text: Variable, image: Variable) {
    var (text, image) = (text, image)
    for (index, block) in enumerated() {
      let finishesText = index < count - 1 || needsText || options.observe != nil
      let streams = tape.block(index, of: all, [text, image], modulator, options) {
        tape, streams, modulator in
        block(
          tape, text: streams[0], image: streams[1], modulator: modulator, positions: positions,
          finishesText: finishesText)
      }
      (text, image) = (streams[0], streams[1])
      options.observe?(HiddenState(name: block.name, text: text.tensor, image: image.tensor))
    }
    return (text, image)
  }
}
