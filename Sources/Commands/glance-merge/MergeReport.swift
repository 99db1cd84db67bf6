internal import Adapters
internal import CommandSupport
internal import Merging
internal import Reports
internal import Rewriting
internal import SystemPackage

/// What a merge tells.
struct MergeReport {
  let isVerbose: Bool
  /// Modules shown without --verbose: those that lost most.
  private static let shownCount = 12

  init(isVerbose: Bool) { self.isVerbose = isVerbose }

  func plan(_ bakes: [Bake]) -> String {
    bakes.map { bake in
      "writes \(SafeText.terminal(bake.request.output.string)): "
        + "\(Readable.bytes(bake.byteCount)), \(bake.plan.baseTitle) with "
        + bake.request.adapters.map {
          "\(SafeText.terminal($0.file.string)) at \(Readable.significant($0.strength, digits: 4))"
            + ($0.blocks.isEmpty ? "" : " (\(SafeText.terminal("\($0.blocks)")))")
        }.joined(separator: ", ")
        + "; \(Readable.count(bake.modules.count, "module")) merged\n"
        + codes(bake.codedLayers)
    }.joined()
  }

  func text(_ results: [BakeResult]) -> String {
    results.map { result in
      var table = TextTable([.left, .right, .right, .right, .right])
      table.add(["module", "norm", "cosine", "gain", "unchanged"])
      // A module that nothing was wanted of lost nothing.
      let sorted = result.modules.sorted {
        $0.survival.cosine ?? .infinity < $1.survival.cosine ?? .infinity
      }
      for module in sorted.prefix(isVerbose ? sorted.count : Self.shownCount) {
        table.add([SafeText.terminal(module.module)] + cells(module.survival))
      }
      table.add(["all \(result.modules.count)"] + cells(result.total))
      let hidden = sorted.count - Self.shownCount
      return table.headedText(columns: Terminal.lineLimit(.output))
        + (hidden > 0 && !isVerbose
          ? "(the \(Self.shownCount) that lost most; --verbose shows all)\n" : "")
        + "wrote \(SafeText.terminal(result.output.string)): \(sentence(result.total))\n"
        + codes(result.codedLayers)
        + (result.undo.map { "\(SafeText.terminal($0.string)) takes it back\n" } ?? "")
    }.joined(separator: "\n")
  }

  /// What the cosine means, and the cosine.
  func sentence(_ survival: Survival) -> String {
    "\(survival.verdict)"
      + (survival.cosine.map { " (cosine \(Readable.fixed($0, places: 4)))" } ?? "")
  }

  /// How many layers keep their codes, and what the others get: a line, or nothing where there are none.
  private func codes(_ layers: CodedLayers) -> String {
    if layers.isEmpty { return "" }
    let written = layers.written.sorted { $0.key < $1.key }.map { "\($0.value) anew as \($0.key)" }
    return "layers of codes: "
      + (["\(layers.kept) as they are"] + written).joined(separator: ", ") + "\n"
  }

  private func fixed(_ value: Double?) -> String {
    value.map { Readable.fixed($0, places: 4) } ?? "-"
  }

  private func cells(_ survival: Survival) -> [String] {
    [
      Readable.significant(survival.norm, digits: 4),
      fixed(survival.cosine), fixed(survival.gain),
      Readable.fixed(survival.unchangedShare * 100, places: 1) + " %",
    ]
  }
}
