public import Compute
public import DiffusionTransformers
internal import Elements
public import JSON
internal import Sampling
public import Schedules

/// The training of one expert, step by step.
///
/// A step is two functions: the sum of the gradients of its items, and its application. What an item is
/// depends on the settings and the step number only, and the order of the sum on the number of items, so
/// that a run resumed from a saved state, or shared among processes, does the same arithmetic in the same
/// order.
public final class TrainingRun {
  /// What a step did.
  public struct StepResult: Sendable {
    /// Number of the step, counted from 0.
    public let step: Int
    /// Mean loss of the step's items.
    public let loss: Double
    /// The items, in order.
    public let items: [ItemResult]
    /// Global norm of the gradients, before clipping.
    public let gradientNorm: Double
    /// Learning rate of the step.
    public let learningRate: Double
  }

  /// What one item of a step was.
  public struct ItemResult: Sendable {
    /// Noise level of the schedule entry that was visited.
    public let sigma: Float
    /// The sample's name.
    public let sample: String
    /// Whether the caption was replaced by the empty one.
    public let isCaptionDropped: Bool
    /// Mean squared error of the velocity, unweighted.
    public let loss: Double
  }

  /// How the expert is trained.
  public let settings: TrainingSettings
  /// Factors, moments and the number of steps taken.
  public private(set) var state: TrainingState
  /// What its steps compute.
  package let source: ItemGradients

  /// A run before its first step.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - targets: the layers to adapt, in the model's order.
  ///   - material: what to train on.
  ///   - schedule: the whole schedule.
  ///   - phase: the phase whose expert is trained.
  ///   - configuration: the model's scheduler.
  ///   - settings: how to train.
  ///   - identity: what a saved state must agree with: settings and digests of the inputs.
  /// - Throws: when the phase has no steps, no layer is to be adapted, or a sample is not what the
  ///   model or the objective takes.
  public init(
    model: any DiffusionTransformer, targets: [LinearLayer], material: TrainingMaterial,
    schedule: PhaseSchedule, phase: Phase, configuration: SchedulerConfiguration,
    settings: TrainingSettings, identity: JSONObject
  ) throws {
    guard !targets.isEmpty else {
      throw TrainingError.nothingToTrain(detail: "there is no layer to adapt")
    }
    source = try ItemGradients(
      model: model, material: material, schedule: schedule, phase: phase,
      configuration: configuration, settings: settings)
    self.settings = settings
    state = Self.start(
      targets: targets, schedule: schedule, phase: phase, settings: settings, identity: identity)
  }

  /// The state before the first step.
  ///
  /// - Parameters:
  ///   - targets: the layers to adapt, in the model's order.
  ///   - schedule: the whole schedule.
  ///   - phase: the phase whose expert is trained.
  ///   - settings: how to train.
  ///   - identity: what a saved state must agree with.
  /// - Returns: factors and moments as they are drawn and begin.
  public static func start(
    targets: [LinearLayer], schedule: PhaseSchedule, phase: Phase, settings: TrainingSettings,
    identity: JSONObject
  ) -> TrainingState {
    let adapter = TrainableAdapter(
      targets: targets, rank: settings.rank, alpha: settings.alpha,
      seed: seed(of: phase, in: schedule, settings))
    return TrainingState(
      adapter: adapter, optimiser: AdamW(settings.optimiser, for: adapter), settings: identity)
  }

  /// The experts of a schedule draw from streams of their own.
  static func seed(
    of phase: Phase, in schedule: PhaseSchedule, _ settings: TrainingSettings
  ) -> UInt64 {
    let place = schedule.phases.firstIndex(of: phase) ?? 0
    return settings.seed &+ UInt64(place) &* 0x9E37_79B9_7F4A_7C15
  }

  /// Whether all steps have been taken.
  public var isFinished: Bool { state.step >= settings.steps }

  /// Continues from a saved state of the same run, with the arithmetic of this process.
  public func resume(from saved: TrainingState) {
    state = saved
    if saved.arithmetic.last != Arithmetic.name { state.arithmetic.append(Arithmetic.name) }
  }

  /// Replaces the factors, for runs that start from an adapter; before the first step only.
  public func start(from adapter: TrainableAdapter) {
    precondition(state.step == 0, "factors can be given before the first step only")
    state = TrainingState(
      adapter: adapter, optimiser: AdamW(settings.optimiser, for: adapter),
      settings: state.settings)
  }

  /// Takes one step.
  ///
  /// - Returns: what the step did.
  /// - Throws: when the loss is not finite; the state is then as it was.
  public func takeStep() throws -> StepResult {
    let (sum, items) = try summedGradients()
    return try apply(sum, of: items)
  }

  /// The gradients of the next step's items, and what they were.
  private func summedGradients() throws -> ([String: FactorGradients], [ItemResult]) {
    let (first, adapters) = (source.items(ofStep: state.step).lowerBound, state.adapter.attached)
    var results: [ItemResult] = []
    let sum = try PairwiseSum<[String: FactorGradients]>(
      value: { [source] index in
        let (gradients, result) = source.gradients(ofItem: first + index, adapters)
        results.append(result)
        return gradients
      }, add: { $0.add($1) }
    ).sum(count: settings.batch)
    return (sum, results)
  }

  /// Applies the sum of the gradients of the next step's items.
  ///
  /// - Parameters:
  ///   - sum: the sum in the order of ``PairwiseSum``.
  ///   - items: what the items were, in order.
  /// - Returns: what the step did.
  /// - Throws: when the loss is not finite; the state is then as it was.
  func apply(_ sum: [String: FactorGradients], of items: [ItemResult]) throws -> StepResult {
    let step = state.step
    var gradients = sum
    gradients.scale(by: 1 / Float(settings.batch))
    let loss = items.reduce(0) { $0 + $1.loss } / Double(items.count)
    let norm = gradients.clip(toNorm: settings.clip)
    guard loss.isFinite, norm.isFinite else {
      throw TrainingError.notFinite(
        step: step, detail: "loss \(loss), gradient norm \(norm); try a smaller --lr")
    }
    let rate = settings.learningRate.at(step: step)
    state.apply(gradients, learningRate: rate)
    return StepResult(
      step: step, loss: loss, items: items, gradientNorm: norm, learningRate: rate)
  }

  /// Losses at every step of the phase with noise that is the same for every call: with the adapter
  /// as it stands, and of the base alone. Unlike the losses of training steps they can be compared.
  ///
  /// - Parameter base: gives the loss of the base, where it is known from what it is computed from, or calls the
  ///   function that computes it.
  /// - Returns: one a step of the phase, in the order of the schedule.
  public func fixedNoiseLosses(
    base: (_ inputs: () -> JSONObject, _ compute: () -> Double) -> Double = { $1() }
  ) -> [(sigma: Float, base: Double, adapted: Double)] {
    let items = source.items
    return items.fixedItems().map { item in
      func loss(_ adapters: AttachedAdapters) -> Double {
        let tape = Tape(ofTransformers: .inference, adapters: adapters)
        return Double(source.loss(of: item, on: tape).tensor.floats[0])
      }
      let known = base({ items.inputs(of: item) }, { loss([:]) })
      return (items.entries[item.entry].sigma, known, loss(state.adapter.attached))
    }
  }
}
