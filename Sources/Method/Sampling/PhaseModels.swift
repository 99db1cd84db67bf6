public import DiffusionTransformers
public import Schedules

/// The transformers of a sampling run, by the phases whose steps they take.
///
/// All are of one family and of one configuration.
public struct PhaseModels: Sendable {
  /// A transformer that takes steps.
  public struct Model: Sendable {
    /// The phase whose steps it takes; nil: those of every phase that has none of its own.
    public let phase: Phase?
    /// The transformer.
    public let transformer: any DiffusionTransformer
    /// Names a tensor that holds NaN or infinity; asked only when the output is not finite.
    public let firstNotFinite: @Sendable () -> String?
    /// What its passes share.
    let modulations: ModulationCache

    /// A transformer for a phase, or for all.
    ///
    /// - Parameters:
    ///   - phase: the phase; nil: all that have no transformer of their own.
    ///   - transformer: the transformer.
    ///   - keptConditionings: the modulation of how many conditionings is kept for other passes.
    ///   - firstNotFinite: names a tensor that holds NaN or infinity.
    public init(
      phase: Phase? = nil, transformer: any DiffusionTransformer, keptConditionings: Int = 1,
      firstNotFinite: @escaping @Sendable () -> String? = { nil }
    ) {
      modulations = ModulationCache(capacity: keptConditionings)
      self.phase = phase
      self.transformer = transformer
      self.firstNotFinite = firstNotFinite
    }
  }

  private let models: [Model]

  /// Transformers; at least one.
  public init(_ models: [Model]) {
    precondition(!models.isEmpty, "a step needs a transformer")
    self.models = models
  }

  /// The transformer that takes the steps of a phase.
  public subscript(phase: Phase) -> Model {
    models.first { $0.phase == phase } ?? models.first { $0.phase == nil } ?? models[0]
  }

  /// The one that stands for all where only sizes matter.
  var any: any DiffusionTransformer { models[0].transformer }
}
