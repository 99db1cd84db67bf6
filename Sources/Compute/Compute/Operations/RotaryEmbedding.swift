internal import CKernels

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
    record(rotate(x.tensor, table, inverse: false), from: [x]) { dy in
      [rotate(dy, table, inverse: true)]
    }
  }
}

private func rotate(_ x: Tensor, _ table: RotaryTable, inverse: Bool) -> Tensor {
  let pairs = table.cosines.columns
  let width = x.columns
  precondition(x.rows == table.cosines.rows && width % (2 * pairs) == 0, "table must fit x")
  return unsafe table.cosines.elements.withUnsafeBufferPointer { cosines in
    unsafe table.sines.elements.withUnsafeBufferPointer { sines in
      unsafe mapRows(x, width: width, cost: 4) { input, output, rows, first in
        guard let c = cosines.baseAddress, let s = sines.baseAddress else { return }
        let kernel = unsafe table.pairing == .neighbours ? ck_rotate_pairs : ck_rotate_halves
        unsafe kernel(
          input, c + first * pairs, s + first * pairs, output, rows, width / (2 * pairs), pairs,
          inverse ? 1 : 0)
      }
    }
  }
}
