internal import Checkpoints
public import Elements
public import SystemPackage

/// What a checkpoint has that another hasn't, and how the tensors of both differ.
public struct CheckpointComparison: Sendable {
  /// The checkpoint that it was compared with.
  public let other: FilePath
  /// Whether the layouts differ and canonical modules were compared instead of tensors.
  public let isByModules: Bool
  /// Tensors that only the first has, in its order.
  public let added: [Tensor]
  /// Tensors that only the other has.
  public let removed: [Tensor]
  /// Tensors of both that aren't the same bytes of the same dtype and shape.
  public let changed: [Change]
  /// How many tensors are the same in both.
  public let identicalCount: Int
  /// What to bear in mind when reading the numbers, one sentence each.
  public let notes: [String]

  /// A tensor of one side.
  public struct Tensor: Sendable, Equatable {
    /// Its name, without the file's prefix.
    public let name: String
    /// Its dtype.
    public let dtype: DType
    /// Its shape.
    public let shape: [Int]

    init(_ tensor: ComparedTensor) {
      name = tensor.name
      dtype = tensor.dtype
      shape = tensor.shape
    }
  }

  /// A tensor of both sides.
  public struct Change: Sendable {
    /// As the first has it.
    public let tensor: Tensor
    /// As the other has it.
    public let other: Tensor
    /// How the numbers differ; nil when the shapes do.
    public let difference: TensorDifference?
  }

  /// Whether nothing differs.
  public var isIdentical: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// All differences taken together; nil when no tensor can be compared number by number.
  public var total: TensorDifference? {
    let differences = changed.compactMap(\.difference)
    guard !differences.isEmpty else { return nil }
    var total = TensorDifference()
    for difference in differences { total.add(difference) }
    return total
  }

  /// Compares two checkpoints; reads all tensors that both have.
  ///
  /// - Parameters:
  ///   - checkpoint: the one that is asked about, such as one with an adapter baked in.
  ///   - other: what it is compared with, such as its base.
  ///   - progress: is told the first one's bytes as they are done.
  /// - Throws: ``SafetensorsError`` when bytes can't be made.
  init(
    _ checkpoint: ComparedCheckpoint, with other: ComparedCheckpoint,
    progress: ReadingProgress? = nil
  ) throws {
    let pairs = ComparedPairs(checkpoint, other)
    var changed: [Change] = []
    for (left, right) in pairs.both {
      let haveSameShape = left.shape == right.shape
      let difference = haveSameShape ? try TensorDifference(left, right) : nil
      progress?.add(left.elementCount * left.dtype.bitCount / 8)
      if !haveSameShape || difference != nil || left.dtype != right.dtype {
        changed.append(
          Change(tensor: Tensor(left), other: Tensor(right), difference: difference))
      }
    }
    self.other = other.path
    isByModules = pairs.isByModules
    added = pairs.onlyLeft.map(Tensor.init)
    removed = pairs.onlyRight.map(Tensor.init)
    self.changed = changed
    identicalCount = pairs.both.count - changed.count
    let packed = [checkpoint, other].filter { $0.description.storage != nil }
    notes = packed.map {
      "\($0.path): weights are stored as \($0.description.storage ?? ""); "
        + "they are compared as stored, without their scales"
    }
  }
}
