package import Compute

/// What fits into the device's memory.
extension TorchEngine {
  /// For PyTorch's own buffers, what is made inside primitives, and what its allocator leaves between tensors: steps of
  /// three blocks of FLUX.1's width took up to 1.3 GB more than their plan on a processor.
  private static let reserve = 3 << 29

  package func freeByteCount(beside layers: PassLayers) -> Int? {
    guard let memory = session.memory(for: layers) else { return nil }
    let plan = plan(
      layers, Residency.Memory(free: .max, total: memory.total), beside: 0)
    return max(0, memory.free - plan.byteCount)
  }

  package func admit(_ layers: PassLayers, beside byteCount: Int) throws -> Residency? {
    if let admitted = session.admitted(layers, beside: byteCount) { return admitted }
    let plan = plan(layers, session.memory(for: layers), beside: byteCount)
    guard plan.fits else { throw TorchError.tooLarge(plan) }
    try session.place(layers, as: plan, beside: byteCount)
    return plan
  }

  private func plan(
    _ layers: PassLayers, _ memory: Residency.Memory?, beside byteCount: Int
  ) -> Residency {
    Residency(
      device: session.name, memory: memory,
      sizes: .init(
        aroundBlocks: sum(layers.aroundBlocks), ofVectors: sum(layers.ofVectors),
        blocks: layers.blocks.map(sum),
        widened: layers.all.map { session.widenedByteCount(of: $0.weight) }.max() ?? 0),
      beside: byteCount, reserve: Self.reserve,
      copiesBesideComputing: session.copiesBesideComputing)
  }

  private func sum(_ layers: [LinearLayer]) -> Int {
    layers.reduce(0) { $0 + session.byteCount(of: $1.weight) }
  }
}
