internal import Adapters
internal import Checkpoints
package import Rewriting
internal import SystemPackage
internal import Tensors

/// What a merge writes, computed from headers and the adapters alone: the base as a conversion, and
/// what is added to each of its tensors.
public struct BakePlan: Sendable {
  /// The base in the form that is written.
  package let conversion: RewritingPlan
  /// What is added to each tensor of the conversion, in the order of its rows.
  package let deltas: [[LowRankDelta]]
  /// Which tensors of the conversion no merge changes that changes the same modules.
  package let isShared: [Bool]
  /// Modules that are merged, in the order of the base's tensors.
  public let modules: [String]
  /// Modules of the adapters that have no place in the base.
  public let leftOut: [String]
  /// What a person should know, one sentence each.
  public let notes: [String]
  /// Bytes of all tensors of the output, before compression.
  public var byteCount: Int { conversion.byteCount }
  /// Title of the base's family and variant.
  public let baseTitle: String

  /// - Parameters:
  ///   - request: what is merged.
  ///   - input: the base.
  ///   - alsoChanged: modules whose weights are stored anew though this merge leaves them alone, so
  ///     that outputs for several phases store the others alike.
  /// - Throws: ``MergeError`` when they don't go together.
  init(
    _ request: BakeRequest, input: OpenedCheckpoint, alsoChanged: Set<String> = []
  ) throws {
    let architecture = try Self.architecture(of: input)
    var factors: [String: [LowRankDelta.Factors]] = [:]
    var leftOut: [String] = []
    for merged in request.adapters {
      try Self.check(merged, request, architecture)
      leftOut += try Self.collect(merged, into: &factors, request, architecture)
    }
    let changed = Set(factors.keys).union(alsoChanged)
    let conversion = try RewritingPlan(request.conversion, input: input, changed: changed)
    isShared = Self.isShared(conversion, architecture, changed: changed)
    deltas = try Self.deltas(factors, conversion, architecture)
    modules = deltas.joined().reduce(into: []) { modules, delta in
      // Exchanged halves are two runs of one module.
      if modules.last != delta.module { modules.append(delta.module) }
    }
    self.conversion = try Self.named(conversion, request, input)
    notes = request.phaseNotes(input) + conversion.notes
    self.leftOut = leftOut
    // Nothing merged is no merge, unless nothing was wanted.
    let isWanted = request.adapters.contains { $0.strength != 0 }
    guard !modules.isEmpty || !isWanted || leftOut.isEmpty else {
      throw MergeError.modulesDontLand(
        adapter: request.adapters[0].file, base: request.base, moduleCount: leftOut.count,
        modules: leftOut)
    }
    baseTitle = input.description.variant?.title ?? architecture.family.title
  }

  /// The conversion with what was merged in its metadata.
  private static func named(
    _ conversion: RewritingPlan, _ request: BakeRequest, _ input: OpenedCheckpoint
  ) throws -> RewritingPlan {
    var conversion = conversion
    conversion.metadata = try Provenance(request, input).metadata(from: conversion.metadata)
    return conversion
  }

  /// What the base is: a known transformer that lacks nothing.
  private static func architecture(
    of input: OpenedCheckpoint
  ) throws -> Architecture {
    try input.description.requireArchitecture(file: input.path, for: .computing)
  }

  private static func check(
    _ merged: MergedAdapter, _ request: BakeRequest, _ architecture: Architecture
  ) throws {
    if let family = merged.adapter.family, family.name != architecture.family.name {
      throw MergeError.otherFamily(
        adapter: merged.file, adapterFamily: family.title, base: request.base,
        baseFamily: architecture.family.title)
    }
    guard merged.strength.isFinite else {
      throw MergeError.usage("\(merged.file): expected a finite strength, found \(merged.strength)")
    }
  }

  /// Takes an adapter's factors; answers the modules that have no place.
  private static func collect(
    _ merged: MergedAdapter, into factors: inout [String: [LowRankDelta.Factors]],
    _ request: BakeRequest, _ architecture: Architecture
  ) throws -> [String] {
    let places = Dictionary(
      architecture.linearModules.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    var misfits: [AdapterModule] = []
    for module in merged.adapter.modules {
      guard let place = places[module.path], place.outFeatures == module.outFeatures,
        place.inFeatures == module.inFeatures
      else {
        misfits.append(module)
        continue
      }
      let scale = module.scale * merged.strength
      // Without a change nothing is stored anew, to the sign of a zero.
      guard scale != 0 else { continue }
      factors[module.path, default: []].append(
        LowRankDelta.Factors(
          down: module.down.floats(), up: module.up.floats(), rank: module.rank, scale: scale))
    }
    guard misfits.isEmpty || request.isPartial else {
      throw MergeError.modulesDontLand(
        adapter: merged.file, base: request.base,
        moduleCount: merged.adapter.modules.count, modules: misfits.map(\.fullName))
    }
    return misfits.map(\.path)
  }

  private static func isShared(
    _ conversion: RewritingPlan, _ architecture: Architecture, changed: Set<String>
  ) -> [Bool] {
    guard let target = conversion.target else { return conversion.tensors.map { _ in true } }
    let names = architecture.entries(in: target.layout).filter { tensor in
      tensor.isLinearWeight && tensor.parts.contains { changed.contains($0.module) }
    }.flatMap { tensor in tensor.names.map { target.prefix + $0 } }
    let index = TensorIndex(names)
    return conversion.tensors.map { tensor in
      guard case .scale(let weight) = tensor.origin else { return index[tensor.name] == nil }
      return index[conversion.tensors[weight].name] == nil
    }
  }

  /// What is added to each tensor; modules in the order of their rows.
  private static func deltas(
    _ factors: [String: [LowRankDelta.Factors]], _ conversion: RewritingPlan,
    _ architecture: Architecture
  ) throws -> [[LowRankDelta]] {
    var deltas = [[LowRankDelta]](repeating: [], count: conversion.tensors.count)
    guard let target = conversion.target else { return deltas }
    let index = TensorIndex(conversion.tensors.map(\.name))
    for tensor in architecture.entries(in: target.layout) where tensor.isLinearWeight {
      let found = tensor.names.lazy.compactMap { index[target.prefix + $0] }.first
      guard let position = found else { continue }
      for (part, placement) in zip(tensor.parts, tensor.placements) {
        guard let own = factors[part.module], let columns = tensor.columns else { continue }
        guard case .elements(_, let encoding) = conversion.tensors[position].origin,
          encoding != .copy
        else {
          throw MergeError.unsupportedDType(
            base: conversion.request.input, tensor: conversion.tensors[position].name,
            found: "a dtype that is no floating type")
        }
        deltas[position] += placement.runs.map { run in
          LowRankDelta(
            module: part.module, rows: run.tensorRow..<run.tensorRow + run.module.count,
            columns: columns, factors: own.map { $0.rows(run.module) })
        }
      }
    }
    return deltas
  }
}

extension AdapterModule {
  /// The path, and what the file calls it where that isn't the same.
  fileprivate var fullName: String {
    name.utf8.reversed().starts(with: path.utf8.reversed()) ? path : "\(path) (\(name))"
  }
}

extension LowRankDelta.Factors {
  /// The part of B that makes some of the module's rows.
  func rows(_ range: Range<Int>) -> Self {
    Self(
      down: down, up: Array(up[range.lowerBound * rank..<range.upperBound * rank]), rank: rank,
      scale: scale)
  }
}
