internal import Compute
internal import Synchronization

/// Where weights are, as it was decided for some transformers.
struct Placement: Sendable {
  /// Bytes that are needed beside weights.
  struct Needs: Sendable {
    /// Of activations, gradients and adapters.
    var beside: Int
    /// Of the autoencoder between passes.
    var coding: Int

    /// Whether it is no more than others.
    func isWithin(_ others: Needs) -> Bool { beside <= others.beside && coding <= others.coding }

    /// Needs what others need, too.
    mutating func join(_ others: Needs) {
      beside = max(beside, others.beside)
      coding = max(coding, others.coding)
    }
  }

  private struct Reference: Sendable { weak var weight: (any AnyObject & Sendable)? }

  /// Whether what acts on one vector a pass is computed on the host, whose weights then stay there.
  var hostsVectors = false
  /// Whether the host computes the autoencoder.
  var hostsAutoencoder = false
  /// The blocks that go through a ring; nil: none.
  var streamed: StreamedBlocks?
  /// What was decided last.
  private var decided: (plan: Residency, weights: [Reference], needs: Needs)?

  /// What was decided for these layers, or these and others, and for what needs; nil: nothing.
  func plan(of layers: PassLayers) -> (plan: Residency, needs: Needs)? {
    guard let decided else { return nil }
    let known = Set(decided.weights.compactMap { $0.weight.map { ObjectIdentifier($0) } })
    return layers.all.allSatisfy { known.contains(ObjectIdentifier($0.weight.identity)) }
      ? (decided.plan, decided.needs) : nil
  }

  mutating func decide(_ plan: Residency, of layers: PassLayers, for needs: Needs) {
    decided = (plan, layers.all.map { Reference(weight: $0.weight.identity) }, needs)
    hostsVectors = plan.hostByteCount > 0
    hostsAutoencoder = plan.hostsAutoencoder
  }
}

extension TorchSession {
  /// Whether blocks are copied while something else is computed: where the device has streams, and on processors.
  var copiesBesideComputing: Bool { isProcessor || hasStreams }

  /// Whether the host computes the autoencoder.
  var hostsAutoencoder: Bool { placement.withLock { $0.hostsAutoencoder } }

  /// What was decided before for these layers, and for what needs; nil: nothing.
  func admitted(_ layers: PassLayers) -> (plan: Residency, needs: Placement.Needs)? {
    placement.withLock { $0.plan(of: layers) }
  }

  /// Places weights as it was planned; the ring's memory is taken when it is first needed.
  func place(_ layers: PassLayers, as plan: Residency, for needs: Placement.Needs) throws {
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
      $0.decide(plan, of: layers, for: needs)
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
