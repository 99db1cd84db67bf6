internal import AdapterAlgebra
internal import Adapters
internal import Checkpoints
internal import CommandSupport
internal import Conversion
internal import Reports
internal import SystemPackage

/// What a conversion of an adapter tells.
struct AdapterConversionReport {
  private let conversion: AdapterConversion
  private let isVerbose: Bool
  /// Closest LoRAs shown without --verbose: those that keep least.
  private static let shownCount = 12

  init(_ conversion: AdapterConversion, isVerbose: Bool) {
    self.conversion = conversion
    self.isVerbose = isVerbose
  }

  private var adapter: Adapter { conversion.adapter.includingPairsOfLengths }

  func text(isWritten: Bool) -> String {
    let modules = adapter.components.flatMap(\.modules)
    let scales = Set(modules.map(\.scale)).sorted().map { Readable.significant($0, digits: 6) }
    let ranks = Set(modules.map(\.rank)).sorted().map(String.init)
    return closest
      + "\(isWritten ? "wrote" : "writes") \(SafeText.terminal(conversion.output.string)): "
      + "\(conversion.dialect) dialect, \(Readable.count(adapter.modules.count, "module")), "
      + "rank \(list(ranks)), scale \(list(scales))\(adapter.hasLengths ? ", DoRA" : "")"
      + "\(conversion.baseFactors.map { ", its \($0.method) taken back" } ?? "")\(textEncoders)\n"
  }

  /// What each of the closest LoRAs keeps, and all together.
  private var closest: String {
    guard let ranks = conversion.ranks, !ranks.modules.isEmpty else { return "" }
    var table = TextTable([.left, .right, .right, .right])
    table.add(["module", "rank", "norm", "energy kept"])
    let sorted = ranks.modules.sorted { $0.energyKept < $1.energyKept }
    for module in sorted.prefix(isVerbose ? sorted.count : Self.shownCount) {
      table.add([
        SafeText.terminal(module.path), "\(module.oldRank) to \(module.newRank)",
        Readable.significant(module.norm, digits: 4),
        Readable.fixed(module.energyKept * 100, places: 2) + " %",
      ])
    }
    table.add([
      "all \(sorted.count)", "", "",
      ranks.energyKeptOfAny.map { Readable.fixed($0 * 100, places: 2) + " %" } ?? "-",
    ])
    return table.headedText(columns: Terminal.lineLimit(.output))
      + (sorted.count > Self.shownCount && !isVerbose
        ? "(the \(Self.shownCount) that keep least; --verbose shows all)\n" : "")
  }

  private var textEncoders: String {
    adapter.textEncoders.sorted { $0.key < $1.key }.map {
      "; \(Readable.count($0.value.modules.count, "module")) of \($0.key)"
    }.joined()
  }

  private func list(_ values: [String]) -> String {
    values.count > 3
      ? "\(values[0]) to \(values[values.count - 1])" : values.joined(separator: ", ")
  }
}
