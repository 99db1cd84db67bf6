public import Tensors

/// The numbers of a change that is no low-rank pair by itself, before its scale.
public enum ChangedValues: Sendable {
  /// up · down.
  case lowRank(LowRankPair)
  /// The Kronecker product of two matrices: row o₁·rows₂ + o₂ and column i₁·columns₂ + i₂ hold
  /// left[o₁, i₁] · right[o₂, i₂].
  ///
  /// **Source:** KohakuBlueleaf/LyCORIS, `functional/lokr.py`, `make_kron` (`torch.kron(w1, w2)`).
  case kronecker(left: KroneckerFactor, right: KroneckerFactor)
  /// (up₁ · down₁) ∘ (up₂ · down₂), element by element.
  ///
  /// **Source:** KohakuBlueleaf/LyCORIS, `functional/loha.py`, `HadaWeight.forward`.
  case hadamard(LowRankPair, LowRankPair)
  /// The numbers themselves, `[rows, columns]` or `[rows]`.
  case difference(TensorView)
  /// What the parameter becomes, `[rows]`.
  case replacement(TensorView)

  /// Two matrices whose product is meant.
  public struct LowRankPair: Sendable {
    /// The factor called A: `[rank, columns]`.
    public let down: TensorView
    /// The factor called B: `[rows, rank]`.
    public let up: TensorView

    /// A pair; what reads files checks that shapes agree.
    public init(down: TensorView, up: TensorView) {
      self.down = down
      self.up = up
    }
  }

  /// A factor of a Kronecker product.
  public enum KroneckerFactor: Sendable {
    /// A matrix, `[rows, columns]`.
    case whole(TensorView)
    /// The product of two.
    case divided(LowRankPair)

    /// Rows and columns.
    public var shape: (rows: Int, columns: Int) {
      switch self {
      case .whole(let matrix): (matrix.shape[0], matrix.shape[1])
      case .divided(let pair): (pair.up.shape[0], pair.down.shape[1])
      }
    }
  }

  /// Rows, and columns where there is a second axis.
  public var shape: (rows: Int, columns: Int?) {
    switch self {
    case .lowRank(let pair), .hadamard(let pair, _): (pair.up.shape[0], pair.down.shape[1])
    case .kronecker(let left, let right):
      (left.shape.rows * right.shape.rows, left.shape.columns * right.shape.columns)
    case .difference(let tensor), .replacement(let tensor):
      (tensor.shape[0], tensor.shape.count == 2 ? tensor.shape[1] : nil)
    }
  }

  /// Every tensor that it is made of.
  public var tensors: [TensorView] {
    func tensors(_ pair: LowRankPair) -> [TensorView] { [pair.down, pair.up] }
    func tensors(_ factor: KroneckerFactor) -> [TensorView] {
      switch factor {
      case .whole(let matrix): [matrix]
      case .divided(let pair): tensors(pair)
      }
    }
    return switch self {
    case .lowRank(let pair): tensors(pair)
    case .kronecker(let left, let right): tensors(left) + tensors(right)
    case .hadamard(let first, let second): tensors(first) + tensors(second)
    case .difference(let tensor), .replacement(let tensor): [tensor]
    }
  }
}
