internal import AdapterAlgebra
internal import Adapters
internal import JSON
internal import Merging
internal import Reports
internal import SystemPackage

/// What a merge of adapters, or an extraction, tells.
struct AdapterMergeReport {
  private let result: DerivedAdapter
  private let output: FilePath
  private let isWritten: Bool
  /// Differences that are named.
  private static let shownCount = 8

  init(_ result: DerivedAdapter, output: FilePath, isWritten: Bool) {
    self.result = result
    self.output = output
    self.isWritten = isWritten
  }

  /// What an adapter can't carry.
  var notes: [String] {
    guard let extraction = result.extraction, !extraction.leftOut.isEmpty else { return [] }
    let left = extraction.leftOut
    return [
      "\(Readable.count(left.count, "changed tensor")) that the adapter doesn't carry: "
        + left.prefix(Self.shownCount).map {
          "\(SafeText.terminal($0.name)) (\($0.reason.rawValue))"
        }
        .joined(separator: ", ")
        + (left.count > Self.shownCount ? " and \(left.count - Self.shownCount) more" : "")
    ]
  }

  /// The share of the adapter's energy that is kept; nil where ranks stay, or there is none.
  private var energyKept: Double? {
    guard let report = result.ranks, report.modules.contains(where: { $0.norm > 0 }) else {
      return nil
    }
    return report.energyKept
  }

  var text: String {
    let adapter = result.adapter
    let ranks = adapter.ranks
    var text =
      "\(isWritten ? "wrote" : "writes") \(SafeText.terminal(output.string)): "
      + "\(Readable.count(adapter.modules.count, "module")), rank "
      + (ranks.count == 1 ? "\(ranks[0])" : "\(ranks.first ?? 0) to \(ranks.last ?? 0)")
    if let energyKept {
      text += ", \(Readable.fixed(energyKept * 100, places: 2)) % of the energy kept"
    }
    return text + "\n"
  }

  /// For programs: version 1 of `glance-merge --mode adapter --json`.
  var json: JSONValue {
    var object: JSONObject = [
      "format": "glance-merge-adapter/1", "dry_run": .bool(!isWritten),
      "output": .string(output.string),
      "modules": .integer(Int64(result.adapter.modules.count)),
      "ranks": .array(result.adapter.ranks.map { .integer(Int64($0)) }),
      "scales": .array(result.adapter.scales.map { .number($0) }),
    ]
    if let report = result.ranks {
      object["energy_kept"] = energyKept.map { .number($0) } ?? .null
      object["resized"] = .array(
        report.modules.map {
          [
            "module": .string($0.path), "old_rank": .integer(Int64($0.oldRank)),
            "new_rank": .integer(Int64($0.newRank)), "norm": .number($0.norm),
            "energy_kept": .number($0.energyKept),
          ]
        })
    }
    if let extraction = result.extraction {
      object["unchanged"] = .array(extraction.unchanged.map { .string($0) })
      object["left_out"] = .array(
        extraction.leftOut.map {
          [
            "name": .string($0.name), "norm": .number($0.norm),
            "reason": .string($0.reason.rawValue),
          ]
        })
    }
    return .object(object)
  }
}
