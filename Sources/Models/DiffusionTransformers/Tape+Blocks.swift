internal import Compute

extension Tape {
  /// Runs a block on streams, keeping its activations or running it again in the backward pass.
  ///
  /// - Parameters:
  ///   - index: number of the block among all.
  ///   - streams: what it changes.
  ///   - modulator: makes its modulation.
  ///   - options: how to run.
  ///   - body: the block.
  /// - Returns: the streams after it.
  func block(
    _ index: Int, _ streams: [Variable], _ modulator: Modulator, _ options: ForwardOptions,
    _ body: @escaping (_ tape: Tape, _ streams: [Variable], _ modulator: Modulator) -> [Variable]
  ) -> [Variable] {
    guard index < options.recomputedBlockCount else { return body(self, streams, modulator) }
    return recomputing(streams + [modulator.conditioning]) {
      [entry = modulator.entry] tape, inputs in
      body(
        tape, inputs.dropLast(), Modulator(conditioning: inputs[inputs.count - 1], entry: entry))
    }
  }
}
