public import Compute
public import DiffusionTransformers
internal import Elements
public import JSON
public import Schedules

/// The training of one expert, step by step.
///
/// A step is two functions: the gradients of some items, and their application. What an item is
/// depends on the settings and the step number only, so that a run resumed from a saved state, or
/// shared among processes, does the same arithmetic in the same order.
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
    /// Mean squared error of the velocity.
    public let loss: Double
  }

  /// How the expert is trained.
  public let settings: TrainingSettings
  /// Factors, moments and the number of steps taken.
  public private(set) var state: TrainingState
  private let model: any DiffusionTransformer
  private let samples: [TrainingSample]
  private let empty: Conditioning?
  private let entries: [PhaseSchedule.Entry]
  private let noises: [TrainingNoise]
  private let visits: VisitOrder
  private let seed: UInt64
  private let modulations: ModulationCache

  /// A run before its first step.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - targets: the layers to adapt, in the model's order.
  ///   - samples: what to train on, at least one.
  ///   - empty: the states of the family's empty caption; needed with caption dropout.
  ///   - schedule: the whole schedule.
  ///   - phase: the phase whose expert is trained.
  ///   - configuration: the model's scheduler.
  ///   - settings: how to train.
  ///   - identity: what a saved state must agree with: settings and digests of the inputs.
  /// - Throws: when the phase has no steps, no layer is to be adapted, or a sample is not what the
  ///   model takes.
  public init(
    model: any DiffusionTransformer, targets: [LinearLayer], samples: [TrainingSample],
    empty: Conditioning?, schedule: PhaseSchedule, phase: Phase,
    configuration: SchedulerConfiguration, settings: TrainingSettings, identity: JSONObject
  ) throws {
    let entries = Array(schedule.entries[schedule.indices(of: phase)])
    guard !entries.isEmpty else {
      throw TrainingError.nothingToTrain(detail: "the schedule has no steps of phase '\(phase)'")
    }
    guard !targets.isEmpty, !samples.isEmpty else {
      throw TrainingError.nothingToTrain(
        detail: "there is no layer to adapt or no sample to train on")
    }
    guard settings.captionDropout == 0 || empty != nil else {
      throw TrainingError.nothingToTrain(
        detail: "caption dropout needs the states of the empty caption")
    }
    for sample in samples { try Self.check(sample, empty: empty, model: model) }
    // The experts of a schedule draw from streams of their own.
    let place = schedule.phases.firstIndex(of: phase) ?? 0
    seed = settings.seed &+ UInt64(place) &* 0x9E37_79B9_7F4A_7C15
    modulations = ModulationCache(
      capacity: Self.keptConditioningCount(
        model, samples: samples.count, entries: entries.count, settings)
    )
    self.model = model
    self.samples = samples
    self.empty = empty
    self.entries = entries
    self.settings = settings
    noises = entries.map {
      settings.followsPublishedArithmetic
        ? TrainingNoise(publishedFor: $0.sigma, configuration: configuration)
        : TrainingNoise(sigma: $0.sigma)
    }
    visits = VisitOrder(
      settings.followsPublishedArithmetic ? .random : .stratified, count: entries.count,
      seed: seed)
    let adapter = TrainableAdapter(
      targets: targets, rank: settings.rank, alpha: settings.alpha, seed: seed)
    state = TrainingState(
      adapter: adapter, optimiser: AdamW(settings.optimiser, for: adapter), settings: identity)
  }

  private static func check(
    _ sample: TrainingSample, empty: Conditioning?, model: any DiffusionTransformer
  ) throws {
    let shape = sample.mean.shape
    guard 4 * shape[0] == model.tokenChannels, shape.allSatisfy({ $0 > 0 }),
      shape[1].isMultiple(of: 2), shape[2].isMultiple(of: 2)
    else {
      throw TrainingError.badSample(
        name: sample.name,
        detail: "expected a latent of [\(model.tokenChannels / 4), height, width] with even height "
          + "and width, found \(shape)")
    }
    do {
      try model.check(sample.conditioning, from: .init(text: "caption", pooled: "caption"))
      if let empty { try model.check(empty, from: .init(text: "no caption", pooled: "no caption")) }
    } catch { throw TrainingError.badSample(name: sample.name, detail: "\(error)") }
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
    let step = state.step
    var (gradients, items) = gradients(ofItems: step * settings.batch..<(step + 1) * settings.batch)
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

  /// The sum of the gradients of some items, counted from the run's start, and what they were.
  func gradients(ofItems range: Range<Int>) -> ([String: FactorGradients], [ItemResult]) {
    var sum: [String: FactorGradients] = [:]
    var results: [ItemResult] = []
    for index in range {
      let item = item(index)
      let tape = Tape(mode: .recording, adapters: state.adapter.attached)
      let loss = loss(of: item, on: tape)
      tape.differentiate(loss)
      sum.add(tape.gradients)
      results.append(
        ItemResult(
          sigma: entries[item.entry].sigma, sample: item.sample.name,
          isCaptionDropped: item.isCaptionDropped, loss: Double(loss.tensor.floats[0])))
    }
    return (sum, results)
  }

  private struct Item {
    let entry: Int
    let sample: TrainingSample
    let isCaptionDropped: Bool
    let flow: FlowMatchingItem
  }

  private func item(_ index: Int) -> Item {
    let visit = UInt32(truncatingIfNeeded: index)
    let order = RandomStream(seed: seed, purpose: .sampleOrder, step: visit)
    let sample = samples[order.integer(below: samples.count, at: 0)]
    let dropout = RandomStream(seed: seed, purpose: .captionDropout, step: visit)
    let entry = visits.index(ofVisit: index)
    let noise = RandomStream(seed: seed, purpose: .trainingNoise, step: visit)
    let latent = sample.latent(seed: seed, visit: visit)
    return Item(
      entry: entry, sample: sample,
      isCaptionDropped: dropout.uniform(at: 0) < settings.captionDropout,
      flow: FlowMatchingItem(
        latent: latent,
        noise: Tensor(shape: latent.shape, noise.normals(count: latent.count)),
        sigma: noises[entry].sigma, roundsToBFloat16: settings.followsPublishedArithmetic))
  }

  private func loss(of item: Item, on tape: Tape) -> Variable {
    let conditioning =
      item.isCaptionDropped ? empty ?? item.sample.conditioning : item.sample.conditioning
    let velocity = model.velocity(
      tape, latent: packTokens(item.flow.noised), grid: item.sample.grid,
      conditioning: conditioning, sigma: noises[item.entry].modelSigma,
      guidance: Float(settings.guidance),
      options: ForwardOptions(
        recomputedBlockCount: settings.recomputedBlockCount, modulations: modulations))
    return tape.meanSquaredError(velocity, target: packTokens(item.flow.velocity))
  }

  /// Conditionings whose modulation is kept: of every timestep with every caption, where models look at
  /// captions for it, but no more than take a few hundred MB at the largest models' width.
  static func keptConditioningCount(
    _ model: any DiffusionTransformer, samples: Int, entries: Int, _ settings: TrainingSettings
  ) -> Int {
    let captions = samples + (settings.captionDropout > 0 ? 1 : 0)
    return min(32, entries * (model.pooledChannels == nil ? 1 : captions))
  }

  /// Losses at every step of the phase with noise that is the same for every call: with the adapter
  /// as it stands, and of the base alone. Unlike the losses of training steps they can be compared.
  ///
  /// - Returns: one a step of the phase, in the order of the schedule.
  public func fixedNoiseLosses() -> [(sigma: Float, base: Double, adapted: Double)] {
    let sample = samples[0]
    let stream = RandomStream(seed: seed, purpose: .validationNoise)
    let noise = Tensor(shape: sample.mean.shape, stream.normals(count: sample.mean.count))
    return entries.indices.map { entry in
      let item = Item(
        entry: entry, sample: sample, isCaptionDropped: false,
        flow: FlowMatchingItem(latent: sample.mean, noise: noise, sigma: noises[entry].sigma))
      func loss(_ adapters: AttachedAdapters) -> Double {
        let tape = Tape(mode: .inference, adapters: adapters)
        return Double(self.loss(of: item, on: tape).tensor.floats[0])
      }
      return (entries[entry].sigma, loss([:]), loss(state.adapter.attached))
    }
  }
}
