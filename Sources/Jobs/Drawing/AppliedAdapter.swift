public import Adapters
internal import Merging
public import Schedules
public import SystemPackage

/// An adapter as a run applies it.
public struct AppliedAdapter: Sendable {
  /// The file it was read from.
  public let file: FilePath
  /// SHA-256 of the file, in hexadecimal digits.
  let digest: String
  /// Multiplies its scale.
  public let strength: Double
  /// Strengths of some modules, which multiply that one; they are in the adapter's scales.
  public let blocks: BlockStrengths
  /// The phase that it serves; nil: every one.
  public let phase: Phase?
  let adapter: Adapter

  /// What it changes otherwise than by low-rank pairs, as it is merged; nil where there is nothing.
  var merged: MergedAdapter? {
    guard !adapter.changes.isEmpty else { return nil }
    var changes = adapter
    changes.modules = []
    return asMerged(changes)
  }

  /// What it changes of text encoders, as that is merged; nil where there is nothing. Texts are encoded once
  /// for all steps, so one that serves a phase changes none.
  var mergedIntoEncoders: MergedAdapter? {
    guard phase == nil, strength != 0, !adapter.textEncoders.isEmpty else { return nil }
    return asMerged(adapter)
  }

  private func asMerged(_ changes: Adapter) -> MergedAdapter {
    MergedAdapter(
      file: file, adapter: changes, phase: phase?.name, strength: strength, blocks: blocks)
  }
}

/// An adapter of a request's file, before the schedule is known.
struct AdapterCandidate {
  let request: DrawingRequest.AdapterRequest
  /// The adapter, with the phase that it is to serve.
  let expert: Expert
  /// The phase that its file declares.
  let declaredPhase: String?
  /// SHA-256 of its file.
  let digest: String

  /// The adapters of a file: one, all of a bundle, or of a bundle the one for the phase asked for; and
  /// what to tell the person of the file.
  static func candidates(
    _ request: DrawingRequest.AdapterRequest, assumedAlpha: Double?
  ) throws -> (candidates: [AdapterCandidate], notes: [(source: String, note: AdapterNote)]) {
    let input = try AdapterInput(opening: request.file, assumedAlpha: assumedAlpha)
    var options = AdapterReadingOptions()
    options.otherMethods = .asLoRAOrAsTheyAre
    let textEncoderFault = input.textEncoderFault(options.otherMethods)
    // One that has nothing else is refused for what is wrong with it.
    options.includesTextEncoders = textEncoderFault == nil || input.isOfTextEncodersAlone
    let experts = try input.experts(options)
    let isBundle = experts.count > 1
    let chosen = experts.filter {
      !isBundle || request.phase == nil || request.phase == $0.phase
    }
    guard !chosen.isEmpty else {
      throw DrawingError.invalid(
        source: "--adapter \(request.phase ?? "")=\(request.file)",
        expected: "a phase of this bundle (\(experts.compactMap(\.phase).joined(separator: ", ")))",
        found: "'\(request.phase ?? "")'")
    }
    let (source, digest) = ("--adapter \(request.file)", try adapterDigest(of: input))
    try request.blocks.check(in: chosen.map(\.adapter), of: source)
    // The phase of an expert of which nothing is left is the base model's alone.
    let candidates = chosen.compactMap { expert in
      expert.adapter.scaled(by: request.blocks).map {
        AdapterCandidate(
          request: request, expert: Expert(phase: request.phase ?? expert.phase, adapter: $0),
          declaredPhase: expert.phase, digest: digest)
      }
    }
    guard !candidates.isEmpty else { throw BlockStrengthError.leavesNothing(source: source) }
    let notes =
      input.notes(options).filter { !$0.isAboutOtherPrograms && !$0.saysTextEncodersAreLeftOut }
      + [textEncoderFault].compactMap(\.self).map {
        AdapterNote("its parts for text encoders are not used: \($0)")
      }
    return (candidates, notes.map { (request.file.string, $0) })
  }
}

extension AdapterCandidate {
  /// What it declares, with its file's name.
  var declaration: (source: String, metadata: GlanceMetadata) {
    get throws {
      (request.file.string, try GlanceMetadata(expert.adapter.metadata, file: request.file))
    }
  }
}

extension [AdapterCandidate] {
  /// Those that serve a phase of the schedule, and what to tell the person.
  ///
  /// - Parameters:
  ///   - schedule: the steps that are taken.
  ///   - whole: all steps; phases of which none is taken are no mistake.
  ///   - transformers: what they act on.
  ///   - strength: multiplies the strength of each.
  /// - Returns: the adapters, and the notes.
  /// - Throws: when one is asked to serve a phase that there is not, or acts on what has an expert baked in.
  func applied(
    to schedule: PhaseSchedule, of whole: PhaseSchedule, _ transformers: [AppliedTransformer],
    strength: Double
  ) throws -> (adapters: [AppliedAdapter], notes: [String]) {
    let phases = schedule.phases
    let names = phases.map(\.name).joined(separator: ", ")
    var adapters: [AppliedAdapter] = []
    var notes: [String] = []
    for candidate in self {
      let (request, asked) = (candidate.request, candidate.expert.phase)
      let phase = phases.first { $0.name == asked }
      if let asked, phase == nil {
        guard
          request.phase == nil || request.isPhaseRecorded
            || whole.phases.contains(where: { $0.name == asked })
        else {
          throw DrawingError.invalid(
            source: "--adapter \(asked)=\(request.file)",
            expected: "a phase of this schedule (\(names))", found: "'\(asked)'")
        }
        notes.append(
          "\(request.file): its phase '\(asked)' has no step in this schedule (\(names)): it is "
            + "not used")
        continue
      }
      if let declared = candidate.declaredPhase, let asked, declared != asked {
        notes.append("\(request.file): made for phase '\(declared)', serves '\(asked)' as asked")
      }
      guard (request.strength * strength).isFinite else {
        throw DrawingError.invalid(
          source: "--strengths \(strength)", expected: "a finite strength of \(request.file)",
          found: "\(request.strength) times that")
      }
      adapters.append(
        AppliedAdapter(
          file: request.file, digest: candidate.digest, strength: request.strength * strength,
          blocks: request.blocks,
          phase: phase,
          adapter: candidate.expert.adapter))
    }
    try adapters.checkBaked(transformers)
    let serveSome = adapters.count { $0.phase != nil }
    if serveSome > 0, serveSome == adapters.count {
      for phase in phases
      where transformers.serving(phase)?.bakedPhase == nil
        && !adapters.contains(where: { $0.phase == phase })
      {
        notes.append("no adapter for phase '\(phase)': the base model takes its steps alone")
      }
    }
    return (adapters, notes + adapters.notes)
  }
}

extension [AppliedAdapter] {
  /// Those that act in a phase.
  public func serving(_ phase: Phase) -> [AppliedAdapter] {
    filter { $0.phase == nil || $0.phase == phase }
  }

  /// Refuses experts that act on a transformer with an expert baked in: the two would be added up.
  fileprivate func checkBaked(_ transformers: [AppliedTransformer]) throws(TransformerError) {
    for adapter in self {
      guard let phase = adapter.phase, let transformer = transformers.serving(phase),
        let baked = transformer.bakedPhase
      else { continue }
      throw .expertBakedIn(
        adapter: adapter.file, phase: phase.name, transformer: transformer.file, baked: baked)
    }
  }

  /// What is odd about them.
  fileprivate var notes: [String] {
    var notes: [String] = []
    for (index, applied) in enumerated() {
      if let caution = applied.blocks.caution(on: applied.strength) {
        notes.append("\(applied.file): \(caution)")
      }
      let others = self[..<index]
      let path = applied.file.lexicallyNormalized()
      if others.contains(where: {
        $0.file.lexicallyNormalized() == path && Self.meet($0.phase, applied.phase)
      }) {
        notes.append("\(applied.file): given twice for the same steps; the strengths add up")
      }
      let parts = applied.adapter.textEncoders.values.reduce(0) { $0 + $1.paths.count }
      if parts > 0, let phase = applied.phase {
        notes.append(
          "\(applied.file): its \(parts) modules of text encoders are not used: it serves phase "
            + "'\(phase)', and texts are encoded once for all steps")
      }
    }
    return notes
  }

  private static func meet(_ left: Phase?, _ right: Phase?) -> Bool {
    left == nil || right == nil || left == right
  }
}
