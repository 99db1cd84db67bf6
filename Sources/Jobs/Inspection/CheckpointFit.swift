public import SystemPackage

/// Whether a checkpoint can take the place of another: the same tensors in the same shapes, whatever
/// their layouts and dtypes. Reads no tensor data.
public struct CheckpointFit: Sendable {
  /// The checkpoint that it should fit.
  public let base: FilePath
  /// What the two are, when they aren't of one kind: `Qwen-Image transformer`, `FLUX.1 transformer`.
  public let mismatch: (found: String, expected: String)?
  /// Whether the layouts differ and canonical modules were compared instead of tensors.
  public let isByModules: Bool
  /// How many tensors fit.
  public let matchedCount: Int
  /// How many tensors the base has.
  public let tensorCount: Int
  /// Tensors that only the base has.
  public let missing: [CheckpointComparison.Tensor]
  /// Tensors that the base hasn't.
  public let extra: [CheckpointComparison.Tensor]
  /// Tensors of another shape in the base, which comes second.
  public let wrongShape:
    [(found: CheckpointComparison.Tensor, expected: CheckpointComparison.Tensor)]
  /// Tensors that fit and have another dtype in the base, which comes second.
  public let otherDType:
    [(found: CheckpointComparison.Tensor, expected: CheckpointComparison.Tensor)]

  /// Whether nothing is missing, extra or of another shape.
  public var fits: Bool {
    mismatch == nil && missing.isEmpty && extra.isEmpty && wrongShape.isEmpty
  }

  init(_ checkpoint: ComparedCheckpoint, against base: ComparedCheckpoint) {
    self.base = base.path
    mismatch = checkpoint.kind == base.kind ? nil : (checkpoint.title, base.title)
    let pairs = ComparedPairs(checkpoint, base)
    let compared = pairs.both.map {
      (found: CheckpointComparison.Tensor($0.left), expected: CheckpointComparison.Tensor($0.right))
    }
    isByModules = pairs.isByModules
    wrongShape = compared.filter { $0.found.shape != $0.expected.shape }
    otherDType = compared.filter {
      $0.found.shape == $0.expected.shape && $0.found.dtype != $0.expected.dtype
    }
    matchedCount = compared.count - wrongShape.count
    tensorCount = compared.count + pairs.onlyRight.count
    missing = pairs.onlyRight.map(CheckpointComparison.Tensor.init)
    extra = pairs.onlyLeft.map(CheckpointComparison.Tensor.init)
  }
}
