internal import Compute
internal import Synchronization

/// Where weights are, as it was decided for some transformers.
struct Placement: Sendable {
  private struct Reference: Sendable { weak var weight: (any AnyObject & Sendable)? }

  /// Whether what acts on one vector a pass is computed on the host, whose weights then stay there.
  var hostsVectors = false
  /// The blocks that go through a ring; nil: none.
  var streamed: StreamedBlocks?
  /// What was decided last.
  private var decided: (plan: Residency, weights: [Reference], byteCount: Int)?

  /// What was decided for these layers, or these and others, beside so many bytes or more; nil: nothing.
  func plan(of layers: PassLayers, beside byteCount: Int) -> Residency? {
    guard let decided, byteCount <= decided.byteCount else { return nil }
    let known = Set(decided.weights.compactMap { $0.weight.map { ObjectIdentifier($0) } })
    return layers.all.allSatisfy { known.contains(ObjectIdentifier($0.weight.identity)) }
      ? decided.plan : nil
  }

  mutating func decide(_ plan: Residency, of layers: PassLayers, beside byteCount: Int) {
    decided = (plan, layers.all.map { Reference(weight: $0.weight.identity) }, byteCount)
    hostsVectors = plan.hostByteCount > 0
  }
}

extension TorchSession {
  /// Whether blocks are copied while something else is computed: where the device has streams, and on processors.
  var copiesBesideComputing: Bool { isProcessor || hasStreams }

  /// What was decided before for these layers beside at least so many bytes; nil: nothing.
  func admitted(_ layers: PassLayers, beside byteCount: Int) -> Residency? {
    placement.withLock { $0.plan(of: layers, beside: byteCount) }
  }

  /// Places weights as it was planned; the ring's memory is taken when it is first needed.
  func place(_ layers: PassLayers, as plan: Residency, beside byteCount: Int) throws {
    let streamed = Array(layers.blocks.dropLast(plan.residentBlockCount))
    for layer in streamed.joined() { layer.weight.forgetCopy() }
    // The one before gives its memory back first.
    placement.withLock { $0.streamed = nil }
    let ring =
      streamed.isEmpty
      ? nil
      : try StreamedBlocks(
        streamed, slots: plan.slotCount, of: plan.slotByteCount, on: self)
    placement.withLock {
      $0.decide(plan, of: layers, beside: byteCount)
      $0.streamed = ring
    }
  }

  /// The device's memory as these layers may use it, what they take there already included; nil where it isn't known.
  func memory(for layers: PassLayers) -> Residency.Memory? {
    guard let memory = memoryAtStart else { return nil }
    let own = layers.all.reduce(0) { $0 + ($1.weight.copy(keptIn: self)?.byteCount ?? 0) }
    return Residency.Memory(free: memory.free - (weightByteCount - own), total: memory.total)
  }
}
