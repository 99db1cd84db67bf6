public import Adapters
internal import Checkpoints
internal import Tensors

extension ExpertBundle {
  /// A bundle of adapters, each of which needs a phase of its own; strengths become part of the scale.
  ///
  /// - Throws: ``MergeError`` when they are for different families, two have one phase, or one has
  ///   none.
  public init(of adapters: [MergedAdapter]) throws {
    try adapters.checkFamilies()
    try adapters.checkPhases()
    try self.init(
      experts: adapters.map { merged in
        var adapter = try merged.adapterByBlocks
        if merged.strength != 1 {
          for index in adapter.modules.indices { adapter.modules[index].scale *= merged.strength }
        }
        if let phase = merged.phase, phase != merged.declaredPhase {
          // So that it still knows when the bundle is split.
          adapter.metadata["glance.phase"] = nil
          adapter.metadata["glance.phase"] = phase
        }
        return Expert(phase: merged.phase, adapter: adapter)
      })
  }
}

extension [MergedAdapter] {
  /// Refuses adapters for different families.
  func checkFamilies() throws {
    guard let first = first(where: { $0.adapter.family != nil }), let family = first.adapter.family
    else { return }
    for other in self {
      guard let found = other.adapter.family, found.name != family.name else { continue }
      throw MergeError.familiesDiffer(
        file: other.file, family: found.title, other: first.file, otherFamily: family.title)
    }
  }

  /// Refuses experts without a phase, and two of one.
  fileprivate func checkPhases() throws {
    let nameless = filter { $0.phase == nil }
    guard nameless.isEmpty else {
      throw MergeError.phasesClash(phase: nil, files: nameless.map(\.file))
    }
    for merged in self {
      let same = filter { $0.phase == merged.phase }
      guard same.count == 1 else {
        throw MergeError.phasesClash(phase: merged.phase, files: same.map(\.file))
      }
    }
  }
}
