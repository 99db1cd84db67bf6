public import Adapters
internal import Checkpoints
public import Tensors

/// What was asked about beyond what a path holds.
public struct InspectionDetails: Sendable {
  /// Which tensors to list; nil for none.
  public var tensorGlob: String?
  /// The tensors whose data was read, with what was found.
  public var statistics: [Reading]?
  /// What a loader would do with the adapter.
  public var loading: LoaderSimulation?
  /// Whether it fits a base.
  public var fit: Fit?
  /// How it differs from another.
  public var difference: Difference?

  /// A tensor, and what its numbers are like.
  public struct Reading: Sendable {
    /// The tensor.
    public let tensor: TensorView
    /// How the file stores its numbers: `BF16`, `Q8_0`, `F8_E4M3 scaled`.
    public let storage: String
    /// Whether they are multiplied by scales that the file has besides.
    public let isScaled: Bool
    /// What they are like; nil for elements that aren't read.
    public let statistics: TensorStatistics?
  }

  /// How a path fits a base.
  public enum Fit: Sendable {
    /// An adapter or a bundle.
    case adapter(AdapterFit)
    /// A checkpoint.
    case checkpoint(CheckpointFit)

    /// Whether it does.
    public var fits: Bool {
      switch self {
      case .adapter(let fit): fit.fits
      case .checkpoint(let fit): fit.fits
      }
    }
  }

  /// How a path differs from another.
  public enum Difference: Sendable {
    /// Two adapters or bundles.
    case adapters(AdapterDifference)
    /// Two checkpoints.
    case checkpoints(CheckpointComparison)

    /// Whether it doesn't.
    public var isIdentical: Bool {
      switch self {
      case .adapters(let difference): difference.isIdentical
      case .checkpoints(let comparison): comparison.isIdentical
      }
    }
  }

  /// Nothing besides.
  public init() {}

  /// Whether something that was asked is answered with no: it doesn't fit a base, or a loader fails
  /// or applies less than all modules.
  public var isAnsweredNo: Bool {
    if let fit, !fit.fits { return true }
    guard let loading else { return false }
    return loading.refusal != nil || loading.moduleCount == 0
      || loading.loadedCount < loading.moduleCount
  }
}
