/// Angles by which the channel pairs of every head are turned, one row a token.
public struct RotaryTable: Sendable {
  /// Which channels of a head make a pair.
  public enum Pairing: Sendable {
    /// (0, 1), (2, 3) …: FLUX.1, Qwen-Image.
    case neighbours
    /// (0, n), (1, n + 1) … for 2n channels: Qwen2.5, LLaMA.
    case halves
  }

  /// `[tokens, pairs]`.
  public let cosines: Tensor
  /// `[tokens, pairs]`.
  public let sines: Tensor
  /// How channels pair.
  public let pairing: Pairing

  /// A table of these angles' cosines and sines.
  public init(cosines: Tensor, sines: Tensor, pairing: Pairing) {
    precondition(cosines.shape == sines.shape && cosines.shape.count == 2)
    self.cosines = cosines
    self.sines = sines
    self.pairing = pairing
  }

  /// The table without its first tokens.
  public func dropFirst(_ count: Int) -> RotaryTable {
    let rest = count..<cosines.rows
    return RotaryTable(cosines: cosines.rows(rest), sines: sines.rows(rest), pairing: pairing)
  }
}

extension Tape {
  /// Rotary position embedding: every pair of channels turns by its token's angle. The gradient
  /// turns back.
  ///
  /// Source: Su et al., "RoFormer" (arXiv 2104.09864).
  ///
  /// - Parameters:
  ///   - x: `[tokens, heads · 2 · pairs]`.
  ///   - table: angles of the tokens.
  /// - Returns: x turned, of the same shape.
  public func rotated(_ x: Variable, by table: RotaryTable) -> Variable {
    let turned = { @Sendable [engine] in engine.rotate($0, by: table, inverse: false) }
    let y = record(turned(x.tensor), from: [x]) { [engine] _, dy in
      [engine.rotate(dy, by: table, inverse: true)]
    }
    return remade(y, of: [x]) { turned($0[0]) }
  }
}
