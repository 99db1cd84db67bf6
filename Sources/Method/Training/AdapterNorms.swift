internal import Compute

extension TrainableAdapter {
  /// How much an adapter changes a block.
  public struct BlockNorm: Sendable, Equatable {
    /// The block's path, such as `transformer_blocks.0`; `other` for all modules outside of blocks.
    public let block: String
    /// Frobenius norm of what is added to the weights of all of its modules.
    public let norm: Double
  }

  /// The norm of every block, in the order of the model.
  public var blockNorms: [BlockNorm] {
    var blocks: [String] = []
    var squares: [String: Double] = [:]
    for module in modules {
      let block = Self.block(of: module.name)
      if squares[block] == nil { blocks.append(block) }
      squares[block, default: 0] += module.squaredNorm
    }
    return blocks.map {
      BlockNorm(block: $0, norm: Double(scale) * (squares[$0] ?? 0).squareRoot())
    }
  }

  /// A path up to its first number.
  private static func block(of path: String) -> String {
    let parts = path.split(separator: ".")
    guard let number = parts.firstIndex(where: { $0.allSatisfy(\.isNumber) }) else {
      return "other"
    }
    return parts[...number].joined(separator: ".")
  }
}

extension TrainableModule {
  /// ‖B·A‖² = tr(BᵀB · AAᵀ), of two small matrices instead of one as large as the weight; in double
  /// precision, because its terms may cancel.
  var squaredNorm: Double {
    let rank = down.rows
    let (inputs, outputs) = (down.columns, up.rows)
    let (a, b) = (down.floats.span, up.floats.span)
    var sum = 0.0
    for i in 0..<rank {
      for j in 0...i {
        var (left, right) = (0.0, 0.0)
        for k in 0..<outputs { left += Double(b[k * rank + i]) * Double(b[k * rank + j]) }
        for k in 0..<inputs { right += Double(a[i * inputs + k]) * Double(a[j * inputs + k]) }
        sum += (i == j ? 1 : 2) * left * right
      }
    }
    return max(0, sum)
  }
}
