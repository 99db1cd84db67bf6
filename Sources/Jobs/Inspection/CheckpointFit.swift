internal import Checkpoints
public import SystemPackage

/// Whether a checkpoint can take the place of another: the same parameters in the same shapes, whatever
/// their layouts and how they are stored. Reads no tensor data.
public struct CheckpointFit: Sendable {
  /// A parameter of one of the two.
  public typealias Side = CheckpointComparison.Side

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
  public let missing: [Side]
  /// Tensors that the base hasn't.
  public let extra: [Side]
  /// Tensors of another shape in the base, which comes second.
  public let wrongShape: [(found: Side, expected: Side)]
  /// Tensors that fit and are stored otherwise in the base, which comes second.
  public let otherDType: [(found: Side, expected: Side)]

  /// Whether nothing is missing, extra or of another shape.
  public var fits: Bool {
    mismatch == nil && missing.isEmpty && extra.isEmpty && wrongShape.isEmpty
  }

  init(_ checkpoint: OpenedCheckpoint, against base: OpenedCheckpoint) throws {
    self.base = base.path
    let (found, expected) = (checkpoint.description, base.description)
    mismatch = found.kind == expected.kind ? nil : (found.title, expected.title)
    let pairs = try ParameterPairs(checkpoint, base)
    let compared = pairs.both.map {
      (found: Side($0.left), expected: Side($0.right))
    }
    isByModules = pairs.isByModules
    wrongShape = compared.filter { $0.found.shape != $0.expected.shape }
    otherDType = compared.filter {
      $0.found.shape == $0.expected.shape && $0.found.storage != $0.expected.storage
    }
    matchedCount = compared.count - wrongShape.count
    tensorCount = compared.count + pairs.onlyRight.count
    missing = pairs.onlyRight.map(Side.init)
    extra = pairs.onlyLeft.map(Side.init)
  }
}
