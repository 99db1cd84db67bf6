internal import Checkpoints
internal import Elements
public import SystemPackage
internal import Tensors

/// What a checkpoint has that another hasn't, and how the parameters of both differ.
public struct CheckpointComparison: Sendable {
  /// The checkpoint that it was compared with.
  public let other: FilePath
  /// Whether the layouts differ and canonical modules were compared instead of tensors.
  public let isByModules: Bool
  /// Parameters that only the first has, in its order.
  public let added: [Side]
  /// Parameters that only the other has.
  public let removed: [Side]
  /// Parameters of both whose numbers or shapes differ.
  public let changed: [Change]
  /// Parameters of both with the same numbers in other bytes, another encoding or with other scales.
  public let storedOtherwise: [Change]
  /// How many parameters are the same numbers stored in the same way.
  public let identicalCount: Int
  /// What to bear in mind when reading the numbers, one sentence each.
  public internal(set) var notes: [String]

  /// A parameter of both sides.
  public struct Change: Sendable {
    /// As the first has it.
    public let side: Side
    /// As the other has it.
    public let other: Side
    /// How the numbers differ; nil when the shapes do.
    public let difference: TensorDifference?
  }

  /// Whether nothing differs, the way of storing it included.
  public var isIdentical: Bool { hasSameNumbers && storedOtherwise.isEmpty }

  /// Whether both have the same parameters with the same numbers, however they are stored.
  public var hasSameNumbers: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// All differences taken together, those of 0 included; nil when there is none between numbers.
  public var total: TensorDifference? {
    let differences = (changed + storedOtherwise).compactMap(\.difference)
    guard !differences.isEmpty else { return nil }
    var total = TensorDifference()
    for difference in differences { total.add(difference) }
    return total
  }

  /// Compares two checkpoints; reads all parameters that both have.
  ///
  /// - Parameters:
  ///   - checkpoint: the one that is asked about, such as one with an adapter baked in.
  ///   - other: what it is compared with, such as its base.
  ///   - progress: is told the first one's bytes as they are done.
  /// - Throws: when bytes can't be made, or a scale doesn't go with its weight.
  init(
    _ checkpoint: OpenedCheckpoint, with other: OpenedCheckpoint,
    progress: ReadingProgress? = nil
  ) throws {
    let pairs = try ParameterPairs(checkpoint, other)
    var (changed, storedOtherwise): ([Change], [Change]) = ([], [])
    for (left, right) in pairs.both {
      let change = Change(
        side: Side(left), other: Side(right),
        difference: left.weight.shape == right.weight.shape
          ? try TensorDifference(left.weight, right.weight) : nil)
      progress?.add(left.weight.byteCount)
      if change.side.shape != change.other.shape || change.difference?.unequalCount ?? 0 > 0 {
        changed.append(change)
      } else if change.difference != nil {
        storedOtherwise.append(change)
      }
    }
    self.other = other.path
    isByModules = pairs.isByModules
    added = pairs.onlyLeft.map(Side.init)
    removed = pairs.onlyRight.map(Side.init)
    self.changed = changed
    self.storedOtherwise = storedOtherwise
    identicalCount = pairs.both.count - changed.count - storedOtherwise.count
    notes = try Self.notes(pairs, in: checkpoint.path, other.path)
  }
}
