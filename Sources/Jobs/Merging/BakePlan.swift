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
  package let deltas: [[ParameterDelta]]
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
  ///   - alsoChanged: parameters that are stored anew though this merge leaves them alone, so that
  ///     outputs for several phases store the others alike.
  /// - Throws: ``MergeError`` when they don't go together.
  init(
    _ request: BakeRequest, input: OpenedCheckpoint, alsoChanged: Set<String> = []
  ) throws {
    let architecture = try Self.architecture(of: input)
    var changes = WantedChanges()
    var leftOut: [(path: String, misfit: MergeError.Misfit)] = []
    for merged in request.adapters {
      try Self.check(merged, request, architecture)
      leftOut += try changes.collect(merged, request, architecture)
    }
    let changed = changes.parameters.union(alsoChanged)
    let conversion = try RewritingPlan(request.conversion, input: input, changed: changed)
    isShared = Self.isShared(conversion, architecture, changed: changed)
    deltas = try changes.deltas(conversion, architecture)
    modules = deltas.joined().reduce(into: []) { modules, delta in
      // Exchanged halves are two runs of one module.
      if modules.last != delta.module { modules.append(delta.module) }
    }
    self.conversion = try Self.named(conversion, request, input)
    notes = request.phaseNotes(input) + conversion.notes
    self.leftOut = leftOut.map(\.path)
    // Nothing merged is no merge, unless nothing was wanted.
    let isWanted = request.adapters.contains { $0.strength != 0 }
    let changesEncoders = !request.adapters.changedEncoders.isEmpty
    guard !modules.isEmpty || !isWanted || leftOut.isEmpty || changesEncoders else {
      throw MergeError.modulesDontLand(
        adapter: request.adapters[0].file, base: request.base, moduleCount: leftOut.count,
        modules: leftOut.map(\.misfit), mayLeaveOut: false)
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

  private static func isShared(
    _ conversion: RewritingPlan, _ architecture: Architecture, changed: Set<String>
  ) -> [Bool] {
    guard let target = conversion.target else { return conversion.tensors.map { _ in true } }
    let names = architecture.entries(in: target.layout).filter { $0.holdsAny(of: changed) }
      .flatMap { tensor in tensor.names.map { target.prefix + $0 } }
    let index = TensorIndex(names)
    return conversion.tensors.map { tensor in
      guard let weight = tensor.scaledTensor else { return index[tensor.name] == nil }
      return index[conversion.tensors[weight].name] == nil
    }
  }
}
