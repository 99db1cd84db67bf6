package import Compute

/// What fits into the device's memory.
extension TorchEngine {
  /// For PyTorch's own buffers, what is made inside primitives, and what its allocator leaves between tensors: steps of
  /// three blocks of FLUX.1's width took up to 1.3 GB more than their plan on a processor.
  private static let reserve = 3 << 29

  /// The most that two layers of a text encoder may take, so that what they make has room beside them.
  static let encoderByteCount = reserve - 1 << 29

  package func freeByteCount(beside layers: PassLayers) -> Int? {
    guard let memory = session.memory(for: layers) else { return nil }
    let plan = plan(
      layers, Residency.Memory(free: .max, total: memory.total), beside: 0, coding: 0)
    return max(0, memory.free - plan.byteCount)
  }

  package func admit(
    _ layers: PassLayers, beside byteCount: Int, coding: Int
  ) throws -> Residency? {
    var needs = Placement.Needs(beside: byteCount, coding: coding)
    if let (plan, before) = session.admitted(layers) {
      if needs.isWithin(before) { return plan }
      needs.join(before)
    }
    let plan = plan(
      layers, session.memory(for: layers), beside: needs.beside, coding: needs.coding)
    guard plan.fits else { throw TorchError.tooLarge(plan) }
    try session.place(layers, as: plan, for: needs)
    return plan
  }

  private func plan(
    _ layers: PassLayers, _ memory: Residency.Memory?, beside byteCount: Int, coding: Int
  ) -> Residency {
    Residency(
      device: session.name, memory: memory,
      sizes: .init(
        aroundBlocks: sum(layers.aroundBlocks), ofVectors: sum(layers.ofVectors),
        blocks: layers.blocks.map(sum),
        widened: layers.all.map { session.widenedByteCount(of: $0.weight) }.max() ?? 0),
      beside: byteCount, coding: coding, reserve: Self.reserve,
      copiesBesideComputing: session.copiesBesideComputing)
  }

  private func sum(_ layers: [LinearLayer]) -> Int {
    layers.reduce(0) { $0 + session.byteCount(of: $1.weight) }
  }
}
