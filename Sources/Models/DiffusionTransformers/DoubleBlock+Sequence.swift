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
  ///   - conditioning: SiLU of the conditioning vector, `[1, width]`.
  ///   - positions: of text tokens, then image tokens.
  ///   - options: what is kept, and who is told.
  /// - Returns: text and image streams.
  func run(
    _ tape: Tape, text: Variable, image: Variable, conditioning: Variable, positions: RotaryTable,
    options: ForwardOptions
  ) -> (text: Variable, image: Variable) {
    var (text, image) = (text, image)
    for block in self {
      let streams = tape.block(
        [text, image, conditioning], keepsActivations: options.keepsActivations
      ) { tape, inputs in
        block(
          tape, text: inputs[0], image: inputs[1], conditioning: inputs[2], positions: positions)
      }
      (text, image) = (streams[0], streams[1])
      options.observe?(HiddenState(name: block.name, text: text.tensor, image: image.tensor))
    }
    return (text, image)
  }
}
