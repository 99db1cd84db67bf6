public import AdapterAlgebra
public import Adapters
internal import Checkpoints
internal import Compute
internal import Failures
internal import Files
internal import JSON
public import SystemPackage
internal import Tensors

/// An adapter made of adapters, or of two checkpoints, and what lower ranks kept of it.
public struct DerivedAdapter: Sendable {
  /// The adapter.
  public let adapter: Adapter
  /// What was kept, where ranks were lowered.
  public let ranks: RankReport?
  /// What an extraction found besides.
  public let extraction: ExtractionReport?
}

extension DerivedAdapter {
  /// The weighted sum of adapters, with metadata that say what it was made of; one adapter alone only
  /// changes its strength or rank.
  ///
  /// - Parameters:
  ///   - adapters: with their strengths.
  ///   - rule: how many singular values every module keeps; nil keeps all, exactly.
  /// - Throws: ``MergeError``.
  public init(combining adapters: [MergedAdapter], reducedTo rule: RankRule?) throws {
    try adapters.checkFamilies()
    var result: (adapter: Adapter, report: RankReport?)
    do { result = try Self.sum(of: adapters, reducedTo: rule) } catch let error as AlgebraError {
      throw MergeError.algebra(error, files: adapters.map(\.file))
    }
    result.adapter.metadata = try Self.metadata(of: adapters)
    self.init(adapter: result.adapter, ranks: result.report, extraction: nil)
  }

  private static func sum(
    of adapters: [MergedAdapter], reducedTo rule: RankRule?
  ) throws -> (adapter: Adapter, report: RankReport?) {
    if adapters.count == 1, let only = adapters.first {
      let adapter = try only.adapterByBlocks.strengthened(by: only.strength)
      guard let rule else { return (adapter, nil) }
      let resized = try adapter.resized(to: rule)
      return (resized.adapter, resized.report)
    }
    let parts = try adapters.map { WeightedAdapter(try $0.adapterByBlocks, weight: $0.strength) }
    guard let rule else { return (try Adapter.combining(parts), nil) }
    let combined = try Adapter.combining(parts, reducedTo: rule)
    return (combined.adapter, combined.report)
  }

  /// The adapter that takes a base closest to a tuned checkpoint; nil when it was stopped.
  ///
  /// - Parameters:
  ///   - base: any path that names a checkpoint.
  ///   - tuned: likewise; another layout or dtype will do.
  ///   - tunedBase: what that was made from, where it is a difference; nil: what is beside it, else the
  ///     base.
  ///   - options: rank, targets.
  ///   - progress: called before every weight with its number and their count; false stops.
  /// - Throws: ``MergeError``.
  public init?(
    base: FilePath, tuned: FilePath, tunedBase: FilePath? = nil, _ options: ExtractionOptions,
    progress: (_ index: Int, _ count: Int) -> Bool
  ) throws {
    let inputs = (
      base: try OpenedCheckpoint(opening: base),
      tuned: try OpenedCheckpoint(opening: tuned, base: tunedBase, orElse: base)
    )
    do {
      let found = try Adapter.extracted(
        base: inputs.base, tuned: inputs.tuned, options
      ) { index, count, _ in progress(index, count) }
      guard var adapter = found?.adapter, let report = found?.report else { return nil }
      adapter.metadata = [
        ("modelspec.merged_from", Self.names([base, tuned])),
        ("glance.extracted_from", Self.names([tuned, base])),
        ("glance.toolkit", "glance \(toolkitVersion)"),
        ("glance.arithmetic", Arithmetic.dense),
      ]
      self.init(adapter: adapter, ranks: report.ranks, extraction: report)
    } catch let error as AlgebraError { throw MergeError.algebra(error) }
  }

  /// What is known of the adapters, where they agree, and which they were.
  private static func metadata(
    of adapters: [MergedAdapter]
  ) throws -> Metadata {
    // What they don't agree on is true of none: a schedule, a trigger phrase.
    let list = (adapters.first?.adapter.metadata ?? []).withoutDigests.agreeing(
      with: adapters.dropFirst().map(\.adapter.metadata))
    guard adapters.count > 1 || adapters.contains(where: { $0.strength != 1 || !$0.blocks.isEmpty })
    else { return list }
    var parts: [JSONValue] = []
    for merged in adapters {
      let digest: String
      do { digest = try SHA256.hexadecimal(of: merged.file) } catch {
        throw MergeError.usage("\(merged.file): \(error)")
      }
      var part: JSONObject = [
        "file": .string(merged.file.lastComponent?.string ?? ""), "sha256": .string(digest),
        "strength": .number(merged.strength),
      ]
      if !merged.blocks.isEmpty { part["blocks"] = merged.blocks.json }
      part["assumed_alpha"] = merged.assumedAlpha.map { .number($0) }
      parts.append(.object(part))
    }
    let made: Metadata = [
      ("modelspec.merged_from", names(adapters.map(\.file))),
      ("glance.merged", JSONValue.array(parts).text()),
      ("glance.merged_by", "glance-merge \(toolkitVersion)"),
      ("glance.arithmetic", Arithmetic.dense),
    ]
    return list.filter { made[$0.key] == nil } + made
  }

  private static func names(_ files: [FilePath]) -> String {
    files.compactMap { $0.lastComponent?.string }.joined(separator: ", ")
  }
}
