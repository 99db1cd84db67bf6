internal import Compute
internal import DiffusionTransformers

#if canImport(Glibc)
  internal import Glibc
#endif

/// What a training step keeps in memory, estimated from the model's shapes. Weights are not in it:
/// they stay mapped, and the system takes their pages away when it needs them.
public struct MemoryPlan: Sendable {
  /// Bytes of activations when every block keeps its own for the backward pass.
  public let keptBytes: Int
  /// Bytes of activations when blocks keep their inputs only and run again.
  public let recomputedBytes: Int
  /// Bytes of the factors, their gradients and moments.
  public let adapterBytes: Int
  /// Whether blocks keep their activations.
  public let keepsActivations: Bool

  /// Bytes that the step is expected to take.
  public var stepBytes: Int {
    adapterBytes + (keepsActivations ? keptBytes : recomputedBytes)
  }

  /// Tensors of a token's width that the operations of a block keep, counted in its forward pass:
  /// norms with their results 4, queries, keys and values with norms, rotation and joining 12,
  /// attention and its projection 4, the MLP 10.
  private static let tensorsOfABlock = 30

  init(
    transformer: any DiffusionTransformer, blockCount: Int, tokens: Int, parameterCount: Int,
    limit: Int?
  ) {
    let width = transformer.linearLayers.first?.weight.rows ?? 1
    let one = 4 * tokens * width
    keptBytes = one * Self.tensorsOfABlock * blockCount
    recomputedBytes = one * (2 * blockCount + Self.tensorsOfABlock)
    // Values, gradients and both moments in float32; and the copies on the tape.
    adapterBytes = 5 * 4 * parameterCount
    keepsActivations = keptBytes <= limit ?? physicalMemory / 2
  }
}

/// Bytes of memory in the machine.
private var physicalMemory: Int {
  max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
}
