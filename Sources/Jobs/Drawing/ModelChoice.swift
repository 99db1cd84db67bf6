internal import Adapters
internal import Checkpoints
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Tensors
internal import Text

/// The pipeline of a request and the transformers that it names, before the schedule is known.
struct ModelChoice {
  let pipeline: DiffusionPipeline
  private let candidates: [TransformerCandidate]
  /// What to tell the person of a folder with a pipeline for each phase.
  let notes: [String]
  /// Whether each takes the steps of its phase; else there is one for all.
  private let isByPhase: Bool
  /// What a transformer that is a difference was made from.
  private let transformerBase: FilePath?

  /// The pipeline of a folder, or of one with a pipeline for each phase the first.
  static func pipeline(of model: FilePath) throws -> DiffusionPipeline {
    guard let folder = BakedFolder(opening: model) else {
      return try DiffusionPipeline(opening: model)
    }
    return try pipeline(in: folder)
  }

  private static func pipeline(in folder: BakedFolder) throws -> DiffusionPipeline {
    guard let first = folder.experts.first(where: \.isPipeline) else {
      throw TransformerError.noPipeline(folder: folder.path)
    }
    return try DiffusionPipeline(opening: first.path)
  }

  init(_ request: DrawingRequest) throws {
    transformerBase = request.transformerBase
    if let folder = BakedFolder(opening: request.model) {
      guard request.transformers.isEmpty else {
        throw TransformerError.twoForAPhase(folder: folder.path)
      }
      let experts = try Self.complete(folder)
      pipeline = try Self.pipeline(in: folder)
      candidates = experts.map { TransformerCandidate($0) }
      isByPhase = true
      notes = try Self.textEncoderNotes(folder)
    } else {
      pipeline = try DiffusionPipeline(opening: request.model)
      (candidates, isByPhase) = try Self.candidates(request, pipeline)
      notes = []
    }
    try Self.check(candidates, pipeline, isByPhase: isByPhase)
  }

  /// That text encoders with other adapters baked in serve each phase, where one must encode for all steps.
  private static func textEncoderNotes(_ folder: BakedFolder) throws -> [String] {
    let pipelines = try folder.experts.filter(\.isPipeline).map { expert in
      (name: expert.path.lastComponent?.string ?? "", try PipelineFolder(opening: expert.path))
    }
    guard let first = pipelines.first else { return [] }
    return first.1.components.map(\.name).filter { $0.utf8HasPrefix("text_encoder") }
      .compactMap { component in
        let merged = pipelines.map { try? $0.1.open(component).source.texts["glance.merged"] }
        guard Set(merged).count > 1 else { return nil }
        return
          "\(folder.path): its phases have a \(component) each, and texts are encoded once for all "
          + "steps: by that of '\(first.name)'"
      }
  }

  /// What they declare, with their paths.
  var declarations: [(source: String, metadata: GlanceMetadata)] {
    candidates.compactMap { candidate in
      candidate.expert.map { ($0.path.string, $0.declared) }
    }
  }

  /// The experts of a folder, which must be one for each phase.
  private static func complete(_ folder: BakedFolder) throws -> [BakedExpert] {
    if let fault = folder.faults.first { throw fault }
    if let phase = folder.missingPhases.first, Set(folder.experts.map(\.path)).count == 1 {
      throw TransformerError.folderLacks(
        phase: phase, folder: folder.path, found: folder.experts[0].path)
    }
    return folder.experts
  }

  private static func candidates(
    _ request: DrawingRequest, _ pipeline: DiffusionPipeline
  ) throws -> (candidates: [TransformerCandidate], isByPhase: Bool) {
    guard let first = request.transformers.first else {
      return ([try TransformerCandidate(ownOf: pipeline.folder.path)], false)
    }
    var candidates: [TransformerCandidate] = []
    var isByPhase = request.transformers.count > 1 || first.phase != nil
    for named in request.transformers {
      if let folder = BakedFolder(opening: named.file) {
        candidates += try complete(folder)
          .filter { named.phase == nil || named.phase == $0.declared.phase }
          .map { TransformerCandidate($0) }
        isByPhase = true
      } else {
        let checkpoint = try pipeline.checkpoint(at: named.file, base: request.transformerBase)
        candidates.append(
          try TransformerCandidate(checkpoint, file: named.file, phase: named.phase))
      }
    }
    if isByPhase {
      // The model's own may be an expert itself, whose counterpart was named.
      let own = try TransformerCandidate(ownOf: pipeline.folder.path)
      if let phase = own.phase, !candidates.contains(where: { $0.phase == phase }) {
        candidates.append(own)
      }
    }
    return (candidates, isByPhase)
  }

  /// Refuses what doesn't go together, whatever the schedule.
  private static func check(
    _ candidates: [TransformerCandidate], _ pipeline: DiffusionPipeline, isByPhase: Bool
  ) throws {
    let family = ModelFamily.named(pipeline.defaults.family)
    for candidate in candidates {
      if isByPhase, candidate.phase == nil, let file = candidate.file {
        throw TransformerError.noPhase(file: file)
      }
      guard let file = candidate.file, let family, let found = candidate.expert?.family,
        found.name != family.name
      else { continue }
      throw TransformerError.otherFamily(
        file: file, family: found.title, model: pipeline.folder.path, modelFamily: family.title)
    }
    let experts = candidates.compactMap { candidate in
      candidate.expert.map { (phase: candidate.phase, expert: $0) }
    }
    if isByPhase, let conflict = BakedConflict.first(among: experts) { throw conflict }
  }
}

extension ModelChoice {
  /// Opens the transformers that take the steps of a schedule.
  ///
  /// - Parameters:
  ///   - schedule: whose phases need a transformer each.
  ///   - whole: all steps; phases of which none is taken are no mistake.
  ///   - other: a plan over the same files, whose transformers serve where its phases are the same.
  /// - Returns: the transformers, and what to tell the person.
  /// - Throws: when a phase has none, or one can't be opened.
  func applied(
    to schedule: PhaseSchedule, of whole: PhaseSchedule, like other: DrawingPlan? = nil
  ) throws -> (transformers: [AppliedTransformer], notes: [String]) {
    guard isByPhase else {
      let notes = candidates.compactMap { loneExpertNote($0, schedule) }
      let opened = try other?.baseTransformers ?? candidates.map { try open($0, phase: nil) }
      return (opened, notes)
    }
    let phases = schedule.phases
    let names = phases.map(\.name).joined(separator: ", ")
    for phase in phases where !candidates.contains(where: { $0.phase == phase.name }) {
      throw TransformerError.noTransformer(
        phase: phase.name, schedule: names, found: candidates.map { ($0.phase ?? "", $0.argument) })
    }
    var transformers: [AppliedTransformer] = []
    var notes: [String] = []
    for candidate in candidates {
      guard let phase = phases.first(where: { $0.name == candidate.phase }) else {
        let isOfWhole = whole.phases.contains { $0.name == candidate.phase }
        guard candidate.askedPhase == nil || isOfWhole else {
          throw TransformerError.unknownPhase(argument: candidate.argument, schedule: names)
        }
        notes.append(
          "\(candidate.source): its phase '\(candidate.phase ?? "")' has no step in this "
            + "schedule (\(names)): it is not used")
        continue
      }
      if let asked = candidate.askedPhase, let declared = candidate.expert?.declared.phase,
        asked != declared
      {
        notes.append(
          "\(candidate.source): made for phase '\(declared)', serves '\(asked)' as asked")
      }
      let opened = other?.baseTransformers.first { $0.phase == phase }
      transformers.append(try opened ?? open(candidate, phase: phase))
    }
    return (transformers, notes)
  }

  private func open(_ candidate: TransformerCandidate, phase: Phase?) throws -> AppliedTransformer {
    // The pipeline's own is opened as its component.
    let isOwn = candidate.file == nil || candidate.file == pipeline.folder.path
    let model =
      try isOwn
      ? pipeline.openTransformer(base: transformerBase)
      : pipeline.openTransformer(from: candidate.file ?? "", base: transformerBase)
    return AppliedTransformer(
      file: candidate.file,
      name: candidate.file == nil ? "transformer" : candidate.expert?.name ?? "transformer",
      phase: phase, bakedPhase: candidate.expert?.declared.phase, model: model)
  }

  /// What to tell of one expert that takes all steps.
  private func loneExpertNote(
    _ candidate: TransformerCandidate, _ schedule: PhaseSchedule
  ) -> String? {
    guard let expert = candidate.expert, let phase = expert.declared.phase else { return nil }
    let others = schedule.phases.filter { $0.name != phase }
    guard !others.isEmpty else { return nil }
    let list = others.map { "'\($0)'" }.joined(separator: ", ")
    let steps =
      others.count < schedule.phases.count
      ? "takes the steps of \(list) too" : "takes every step, of \(list)"
    return
      "\(expert.path): the expert for phase '\(phase)' is baked in, and it \(steps), for which "
      + "it wasn't made; "
      + (others.count < schedule.phases.count
        ? advice(expert, phase: phase, other: others[0])
        : "a --schedule with a phase '\(phase)' gives it the steps that it was made for")
  }

  private func advice(_ expert: BakedExpert, phase: String, other: Phase) -> String {
    let parent = expert.path.removingLastComponent()
    let folder: FilePath = expert.path == "." ? ".." : parent.isEmpty ? "." : parent
    if let both = BakedFolder(opening: folder), both.faults.isEmpty, both.missingPhases.isEmpty {
      return (expert.isPipeline ? "--model" : "--transformer") + " \(folder) draws with both"
    }
    return "give both: --transformer \(phase)=\(expert.path) --transformer \(other)=FILE"
  }
}
