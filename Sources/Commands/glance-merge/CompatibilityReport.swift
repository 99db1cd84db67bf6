internal import AdapterAlgebra
internal import Adapters
internal import CommandSupport
internal import Reports

/// What a comparison of two adapters tells.
struct CompatibilityReport {
  private let found: AdapterCompatibility
  private let phases: [String?]
  private let isVerbose: Bool

  init(_ found: AdapterCompatibility, phases: [String?], isVerbose: Bool) {
    self.found = found
    self.phases = phases
    self.isVerbose = isVerbose
  }

  /// The verdict in words, with the names of different phases.
  var sentence: String {
    guard found.verdict == .differentPhases else { return "\(found.verdict)" }
    let names = phases.compactMap(\.self).map { SafeText.terminal($0) }
    return "\(found.verdict) (\(names.joined(separator: ", ")))"
  }

  var text: String {
    let total = found.comparison.total
    // Of changes that are zero there are no spaces.
    let spaces = found.cosine == nil ? nil : found.overlap.total
    var facts = TextTable([.left, .left])
    facts.add([
      "shared modules",
      "\(found.sharedModules.count) (only in the first \(found.comparison.onlyInA.count), only in "
        + "the second \(found.comparison.onlyInB.count))",
    ])
    facts.add([
      "norms",
      "\(number(total.normA)) and \(number(total.normB)), difference "
        + number(total.differenceNorm),
    ])
    facts.add(["cosine", found.cosine.map { Readable.fixed($0, places: 4) } ?? "-"])
    facts.add([
      "shared outputs",
      "\(spaces.map { percent($0.columns) } ?? "-"), shared inputs "
        + (spaces.map { percent($0.rows) } ?? "-"),
    ])
    let columns = Terminal.lineLimit(.output)
    var table = TextTable([.left, .right, .right])
    table.add(["block", "shared outputs", "shared inputs"])
    for block in found.overlap.blocks {
      table.add([
        SafeText.terminal(block.name), percent(block.share.columns), percent(block.share.rows),
      ])
    }
    return sentence + "\n\n" + facts.text(columns: columns)
      + (isVerbose ? "\n" + table.headedText(columns: columns) : "")
  }

  private func number(_ value: Double) -> String { Readable.significant(value, digits: 4) }

  private func percent(_ share: Double) -> String {
    Readable.fixed(share * 100, places: 1) + " %"
  }
}
