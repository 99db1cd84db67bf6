internal import Adapters
internal import Schedules
internal import SystemPackage
internal import Tensors

extension AdapterCandidate {
  /// The keys of headers that hold what people call an adapter.
  private static let titles = ["modelspec.title", "ss_output_name"]

  /// What to tell the person of an adapter that is known to need another schedule than the model's own,
  /// and declares none; nil of any other.
  ///
  /// - Parameters:
  ///   - taken: the schedule that is taken instead, as it is written.
  ///   - family: the model's family.
  /// - Returns: one line.
  func wantedPreset(insteadOf taken: String, family: String) -> String? {
    let metadata = expert.adapter.metadata
    guard metadata["glance.sigmas"] == nil else { return nil }
    let path = request.file
    let names =
      [path.lastComponent?.string, path.removingLastComponent().lastComponent?.string]
      + Self.titles.map { metadata[$0] }
    guard
      let preset = SchedulePreset.wanted(
        byAdapterCalled: names.compactMap(\.self), family: family)
    else { return nil }
    return "\(path): by its name it was made for --schedule \(preset.name) "
      + "(\(preset.description)), and it declares no schedule; \(taken) is taken"
  }
}
