internal import Text

/// The text form of formats/schedules.md.
extension PhaseSchedule {
  /// What stands before the sigmas of a schedule that renoises.
  package static let renoising = "renoise:"

  /// Sigmas joined by commas, phases by `|`; reads back to the same steps, bit for bit.
  public var text: String {
    let phases = phases
    let isDefault = phases == Phase.defaults(count: phases.count)
    return (rule == .renoise ? Self.renoising : "")
      + phases.map { phase in
        (isDefault ? "" : "\(phase)=")
          + entries[indices(of: phase)].map { "\($0.sigma)" }.joined(separator: ",")
      }.joined(separator: "|")
  }

  /// Reads the text form.
  ///
  /// - Parameters:
  ///   - text: such as `1,0.979|0.887,0.02`; a final 0 is allowed.
  ///   - source: what to name in errors: an option, or a file and its key.
  /// - Throws: ``ScheduleError`` that begins with `source`.
  public init(text: String, source: String = "--schedule") throws(ScheduleError) {
    let renoised = text.droppingPrefix(Self.renoising)
    let parts = (renoised ?? text).split(separator: "|", omittingEmptySubsequences: false)
    guard parts.count <= 1000 else {
      throw .invalid(source: source, expected: "at most 1000 phases", found: "\(parts.count)")
    }
    var entries: [Entry] = []
    for (index, (part, standard)) in zip(parts, Phase.defaults(count: parts.count)).enumerated() {
      let (phase, list) = try PhaseSchedule.label(of: part, default: standard, source: source)
      var sigmas = try PhaseSchedule.sigmas(list, source: source)
      if index == parts.count - 1, sigmas.last == 0 { sigmas.removeLast() }
      guard !sigmas.isEmpty else { throw .emptyPhase(source: source, phase: phase) }
      entries += sigmas.map { Entry(sigma: $0, phase: phase, teacherStep: nil) }
    }
    try self.init(entries: entries, teacher: nil, source: source)
    if renoised != nil { rule = .renoise }
  }

  private static func label(
    of part: Substring, default standard: Phase, source: String
  ) throws(ScheduleError) -> (Phase, Substring) {
    guard let equals = part.firstIndex(of: "=") else { return (standard, part) }
    let name = String(part[..<equals].trimmed)
    guard let phase = Phase(name: name) else {
      throw .invalid(
        source: source, expected: "a phase's name of letters, digits and hyphens",
        found: "'\(name)'")
    }
    return (phase, part[part.index(after: equals)...])
  }

  private static func sigmas(
    _ list: Substring, source: String
  ) throws(ScheduleError) -> [Float] {
    var sigmas: [Float] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      guard let sigma = Float(part.trimmed), sigma.isFinite else {
        throw .invalid(
          source: source, expected: "sigmas joined by commas, such as 1,0.9,0.75",
          found: "'\(part)'")
      }
      guard sigma <= 1 else {
        throw .invalid(
          source: source, expected: "sigmas above 0 and up to 1 (a timestep divided by 1000)",
          found: "\(sigma)")
      }
      sigmas.append(sigma)
    }
    return sigmas
  }
}
