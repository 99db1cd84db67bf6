internal import Compute
internal import DiffusionTransformers
public import Training

#if canImport(Glibc)
  internal import Glibc
#endif

/// What a training run holds in memory, and which blocks keep their activations so that it fits. Weights
/// are not in it: they stay mapped, and the system takes their pages away when it needs them.
public struct MemoryPlan: Sendable {
  /// What a step takes as it is planned.
  public let step: StepForecast
  /// Bytes of encoding a picture, before the first step.
  public let encodingBytes: Int
  /// Bytes of a step that keeps all activations.
  public let keptBytes: Int
  /// Blocks of the model.
  public let blockCount: Int
  /// How many of the first blocks are run again in the backward pass.
  public let recomputedBlockCount: Int

  /// Plans for a limit.
  ///
  /// - Parameters:
  ///   - blockCount: blocks of the model.
  ///   - encodingBytes: what encoding a picture takes.
  ///   - limit: bytes that a step may take; where even recomputing all blocks takes more, the fewest are
  ///     planned with which a step takes hardly more than that.
  ///   - forecast: what a step takes of which so many blocks are run again.
  init(
    blockCount: Int, encodingBytes: Int, limit: Int,
    _ forecast: (_ recomputedBlockCount: Int) -> StepForecast
  ) {
    self.blockCount = blockCount
    self.encodingBytes = encodingBytes
    let kept = forecast(0)
    keptBytes = kept.byteCount
    guard kept.byteCount > limit else {
      (step, recomputedBlockCount) = (kept, 0)
      return
    }
    // What can't be reached is no reason to compute blocks again for next to nothing: an adapter alone may
    // take more than the limit.
    var found = forecast(blockCount)
    let limit = max(limit, found.byteCount + found.byteCount / 32)
    // The fewest blocks that are enough; more never take more.
    var (few, enough) = (-1, blockCount)
    while enough - few > 1 {
      let middle = (few + enough) / 2
      let step = forecast(middle)
      if step.byteCount <= limit { (enough, found) = (middle, step) } else { few = middle }
    }
    (step, recomputedBlockCount) = (found, enough)
  }

  /// Bytes that the run holds at its peak.
  public var byteCount: Int { max(step.byteCount, encodingBytes) }

  /// The limit where nobody sets one: half of the machine's memory, or less where the pages of mapped
  /// weights would have to go for it: to read them again takes longer than to compute a block again.
  static func limit(besideWeights byteCount: Int) -> Int {
    let memory = physicalMemory
    return min(memory / 2, max(memory / 8, memory - byteCount - memory / 16))
  }
}

/// Bytes of memory in the machine.
private var physicalMemory: Int {
  max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
}
