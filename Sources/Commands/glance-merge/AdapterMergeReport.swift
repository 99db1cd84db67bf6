internal import AdapterAlgebra
internal import Adapters
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

  var text: String {
    let adapter = result.adapter
    let ranks = adapter.ranks
    var text =
      "\(isWritten ? "wrote" : "writes") \(SafeText.terminal(output.string)): "
      + "\(Readable.count(adapter.modules.count, "module")), rank "
      + (ranks.count == 1 ? "\(ranks[0])" : "\(ranks.first ?? 0) to \(ranks.last ?? 0)")
    if let energyKept = result.energyKept {
      text += ", \(Readable.fixed(energyKept * 100, places: 2)) % of the energy kept"
    }
    return text + "\n"
  }
}
