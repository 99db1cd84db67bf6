internal import Checkpoints
internal import Safetensors
public import SystemPackage
internal import Tensors

/// How an adapter file is turned into an adapter.
public struct AdapterReadingOptions: Sendable {
  /// The alpha to take where the file says nothing; nil means alpha = rank.
  public var assumedAlpha: Double?
  /// Whether modules and keys that are not known are left out instead of refusing the file.
  public var isPartial = false
  /// Whether all factors are read to make sure that they are finite.
  public var checksValues = true

  /// Strict reading, alpha = rank where the file says nothing.
  public init() {}
}

extension Adapter {
  /// Opens an adapter file of any known dialect. Every module counts, and every problem that would
  /// change its meaning refuses the file.
  public init(
    opening path: FilePath, _ options: AdapterReadingOptions = AdapterReadingOptions()
  ) throws(AdapterError) {
    self = try AdapterFile(opening: path).adapter(options)
  }
}

extension AdapterFile {
  /// The one meaning of this file.
  public func adapter(
    _ options: AdapterReadingOptions = AdapterReadingOptions()
  ) throws(AdapterError) -> Adapter {
    let errors = problems.filter { problem in
      switch problem {
      case .unknownKey, .unknownModule, .notLinear: !options.isPartial
      default: problem.isError
      }
    }
    guard errors.isEmpty else { throw .unusable(file: path, problems: errors) }
    var modules: [AdapterModule] = []
    for entry in entries where !entry.paths.isEmpty { modules += entry.modules(options) }
    guard !modules.isEmpty else { throw .unusable(file: path, problems: [.empty]) }
    if options.checksValues { try checkValues() }
    return Adapter(family: family, modules: modules, metadata: metadata)
  }

  /// Refuses factors that hold NaN or infinity: one such number spoils whole rows of a base.
  private func checkValues() throws(AdapterError) {
    for entry in entries {
      for factor in [entry.down, entry.up] {
        guard let factor, !factor.floats().allSatisfy(\.isFinite) else { continue }
        throw .unusable(file: path, problems: [.notFinite(key: factor.name)])
      }
    }
  }
}

extension AdapterFile.Entry {
  /// The modules of a sound entry: several when it holds fused ones.
  fileprivate func modules(_ options: AdapterReadingOptions) -> [AdapterModule] {
    guard let down, var up, let meaning, let scale,
      let rows = partRows(down: down.shape, up: up.shape),
      meaning.family.modules[meaning.modules[0]].kind == .linear
    else { return [] }
    if meaning.swapsHalves { up = up.swappingHalves() }
    let isAssumed = scaleSource == .assumed && options.assumedAlpha != nil
    let factor = isAssumed ? (options.assumedAlpha ?? 1) / Double(down.shape[0]) : scale
    let source = isAssumed ? AdapterModule.ScaleSource.given : scaleSource
    let factors = rows.count == 1 ? [(down, up)] : splitFactors(down: down, up: up, rows: rows)
    return zip(paths, factors).compactMap { path, factors in
      factors.map {
        AdapterModule(
          path: path, down: $0.down, up: $0.up, scale: factor, scaleSource: source)
      }
    }
  }
}
