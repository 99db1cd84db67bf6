internal import Compute

extension Tape {
  /// Runs a block on streams, keeping its activations or running it again in the backward pass. The weights
  /// of the block that comes next are made ready meanwhile, in both passes; behind the last one of a pass without
  /// gradients comes the first one of another pass.
  ///
  /// - Parameters:
  ///   - index: number of the block among all.
  ///   - all: layers of every block whose weights are needed.
  ///   - streams: what it changes.
  ///   - modulator: makes its modulation.
  ///   - options: how to run.
  ///   - body: the block.
  /// - Returns: the streams after it.
  func block(
    _ index: Int, of all: [[LinearLayer]], _ streams: [Variable], _ modulator: Modulator,
    _ options: ForwardOptions,
    _ body: @escaping (_ tape: Tape, _ streams: [Variable], _ modulator: Modulator) -> [Variable]
  ) -> [Variable] {
    if index == 0 { engine.prepare(all[0]) }
    if index + 1 < all.count {
      engine.prepare(all[index + 1])
    } else if mode == .inference {
      engine.prepare(all[0])
    }
    let outputs = recomputing(
      streams + [modulator.conditioning], if: index < options.recomputedBlockCount
    ) { [entry = modulator.entry] tape, inputs in
      body(
        tape, inputs.dropLast(), Modulator(conditioning: inputs[inputs.count - 1], entry: entry))
    }
    guard index > 0 else { return outputs }
    return uponGradients(of: outputs) { [engine] in engine.prepare(all[index - 1]) }
  }
}
