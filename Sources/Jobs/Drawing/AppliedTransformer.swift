internal import Adapters
internal import Checkpoints
internal import Merging
internal import Pipelines
public import Schedules
public import SystemPackage

/// A transformer as a run uses it.
public struct AppliedTransformer: Sendable {
  /// What was named with `--transformer`, or an expert's place in the model's folder; nil for the
  /// model's own.
  public let file: FilePath?
  /// The last part of its path; `transformer` for the model's own.
  public let name: String
  /// The phase whose steps it takes; nil: every one's.
  public let phase: Phase?
  /// The phase whose expert is baked into it, as its file declares; nil for none.
  public let bakedPhase: String?
  let model: OpenedTransformer
}

extension AppliedTransformer {
  /// The same transformer with changes merged into its weights, for a phase.
  ///
  /// - Parameters:
  ///   - adapters: those that act in the phase.
  ///   - phase: whose steps it takes; nil: every one's.
  ///   - pipeline: whose transformer it is.
  /// - Returns: itself for the phase where no adapter has changes.
  /// - Throws: when an adapter's modules are not the model's.
  fileprivate func merging(
    _ adapters: [AppliedAdapter], phase: Phase?, of pipeline: DiffusionPipeline
  ) throws -> AppliedTransformer {
    let merged = adapters.compactMap(\.merged)
    let model =
      try merged.isEmpty
      ? model
      : pipeline.transformer(model, over: model.checkpoint.parameters(merging: merged))
    return AppliedTransformer(
      file: file, name: name, phase: phase, bakedPhase: bakedPhase, model: model)
  }
}

extension [AppliedTransformer] {
  /// The transformers with what adapters change otherwise than by low-rank pairs; one for every phase where
  /// the changes of phases differ.
  func merging(
    _ adapters: [AppliedAdapter], phases: [Phase], of pipeline: DiffusionPipeline
  ) throws -> [AppliedTransformer] {
    let changing = adapters.filter { !$0.adapter.changes.isEmpty }
    guard changing.contains(where: { $0.phase != nil }) else {
      return try map { try $0.merging(changing, phase: $0.phase, of: pipeline) }
    }
    return try phases.compactMap { phase in
      try serving(phase)?.merging(changing.serving(phase), phase: phase, of: pipeline)
    }
  }

  /// The one that takes a phase's steps.
  public func serving(_ phase: Phase) -> AppliedTransformer? {
    first { $0.phase == phase } ?? first { $0.phase == nil }
  }
}

/// A transformer of a request, before the schedule is known.
struct TransformerCandidate {
  /// What is opened; nil: the pipeline's own transformer.
  let file: FilePath?
  /// The phase that was asked for.
  let askedPhase: String?
  /// What its header says; nil when the pipeline's own can't be read, which opening it tells.
  let expert: BakedExpert?

  /// The phase that it is for.
  var phase: String? { askedPhase ?? expert?.declared.phase }

  /// What it is read from, for notes.
  var source: String { (file ?? expert?.path)?.string ?? "" }

  /// As it stands on a command line.
  var argument: String {
    guard let file else { return "--model \(source)" }
    return "--transformer \(askedPhase.map { $0 + "=" } ?? "")\(file)"
  }

  /// A checkpoint that is named; its header is read.
  init(_ checkpoint: OpenedCheckpoint, file: FilePath, phase: String?) throws {
    self.file = file
    askedPhase = phase
    expert = try BakedExpert(checkpoint)
  }

  /// An expert of a folder.
  init(_ expert: BakedExpert) {
    file = expert.path
    askedPhase = nil
    self.expert = expert
  }

  /// The transformer of a pipeline's folder.
  init(ownOf folder: FilePath) throws {
    file = nil
    askedPhase = nil
    do { expert = try BakedExpert(opening: folder) } catch {
      // What can't be opened is told when it is.
      if error is AdapterError { throw error }
      expert = nil
    }
  }
}
