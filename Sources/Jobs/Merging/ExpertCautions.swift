internal import Adapters
internal import Checkpoints
internal import SystemPackage
internal import Tensors

/// What is odd about experts that become checkpoints of their phases.
extension MergedAdapter {
  /// Adapters that declare different schedules: each is said once, against the first.
  static func otherSchedules(_ adapters: [MergedAdapter]) -> [String] {
    let declaring = adapters.compactMap { merged in
      merged.adapter.metadata["glance.sigmas"].map { (merged.file, $0) }
    }
    guard let first = declaring.first else { return [] }
    return declaring.dropFirst().filter { $0.1 != first.1 }.map {
      "\($0.0): declares another schedule than \(first.0), so that glance-sample needs --schedule "
        + "for what is merged"
    }
  }
}

extension BakeRequest {
  /// What a person may not have meant: an expert on a base that has one baked in.
  func phaseNotes(_ input: OpenedCheckpoint) -> [String] {
    let phases = Set(adapters.compactMap(\.phase)).sorted()
    guard let phase = input.source.texts["glance.phase"],
      let other = phases.first
    else { return [] }
    return [
      "\(input.path): has the expert for phase '\(phase)' baked in, and this adds one for '\(other)'"
    ]
  }
}
