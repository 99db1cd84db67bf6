public import Adapters
public import Compute
public import DiffusionTransformers
public import Schedules
internal import Tensors

/// The adapters of a sampling run, by the phases in which they act.
public struct ExpertSet: Sendable {
  private var byPhase: [(phase: Phase?, adapters: AttachedAdapters)] = []

  /// No adapters: the base model alone.
  public init() {}

  /// Whether there is no adapter at all.
  public var isEmpty: Bool { byPhase.isEmpty }

  /// The phases that have an adapter of their own.
  public var phases: [Phase] { byPhase.compactMap(\.phase) }

  /// Adds an adapter.
  ///
  /// - Parameters:
  ///   - adapter: what to add.
  ///   - phase: the phase in which it acts; nil: in all.
  ///   - strength: multiplies its scale.
  ///   - source: its file, for errors.
  ///   - model: the model it must fit.
  /// - Throws: when modules of the adapter are not the model's, listing them.
  public mutating func add(
    _ adapter: Adapter, phase: Phase?, strength: Double, source: String,
    model: any DiffusionTransformer
  ) throws {
    try Self.check(adapter, source: source, model: model)
    var attached: AttachedAdapters = [:]
    for module in adapter.modules {
      attached[module.path, default: []].append(
        LowRankFactors(
          down: Tensor(shape: module.down.shape, module.down.floats()),
          up: Tensor(shape: module.up.shape, module.up.floats()),
          scale: Float(module.scale * strength)))
    }
    add(attached, phase: phase)
  }

  /// Checks that an adapter's modules are the model's; reads no factors.
  public static func check(
    _ adapter: Adapter, source: String, model: any DiffusionTransformer
  ) throws {
    let layers = Dictionary(
      model.linearLayers.map { ($0.name, $0.weight) }, uniquingKeysWith: { first, _ in first })
    let misfits = adapter.modules.compactMap { module -> String? in
      guard let weight = layers[module.path] else { return module.path }
      let (found, expected) = (
        [module.outFeatures, module.inFeatures], [weight.rows, weight.columns]
      )
      return found == expected ? nil : "\(module.path) \(found), expected \(expected)"
    }
    guard misfits.isEmpty else {
      throw SamplingError.adapterDoesNotFit(
        source: source, moduleCount: adapter.modules.count, misfits: misfits)
    }
  }

  /// Adds factors that are known to fit the model.
  package mutating func add(_ adapters: AttachedAdapters, phase: Phase?) {
    byPhase.append((phase, adapters))
  }

  /// The adapters that act in a phase, by module.
  public func adapters(for phase: Phase) -> AttachedAdapters {
    byPhase.filter { $0.phase == nil || $0.phase == phase }
      .reduce(into: [:]) { $0.merge($1.adapters) { $0 + $1 } }
  }
}
