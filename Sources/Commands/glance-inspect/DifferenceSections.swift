internal import Adapters
internal import Inspection
internal import Reports
internal import SystemPackage

/// How two files of a kind differ.
extension Report.Section {
  static func sections(_ difference: InspectionDetails.Difference) -> [Self] {
    switch difference {
    case .checkpoints(let comparison): [Self(comparison)]
    case .adapters(let difference): sections(difference)
    }
  }

  private init(_ comparison: CheckpointComparison) {
    self.init("compared with \(SafeText.terminal(comparison.other.string, limit: 1000))")
    let what = comparison.isByModules ? "module parameter" : "tensor"
    let same = Readable.count(comparison.identicalCount, what)
    if comparison.isIdentical {
      facts.append(("identical", "\(same), all with the same bytes"))
    } else {
      facts.append(("identical", same))
      if !comparison.storedOtherwise.isEmpty {
        let count = Readable.count(comparison.storedOtherwise.count, what)
        let ways = Self.storages(comparison.storedOtherwise).joined(separator: "; ")
        facts.append(("same numbers", "\(count), stored otherwise: \(ways)"))
      }
      facts.append(("changed", Readable.count(comparison.changed.count, what)))
    }
    if comparison.isByModules {
      lines.append("the layouts differ: parameters of modules are compared, under diffusers' names")
    }
    if let total = comparison.total { facts.append(("difference", total.text)) }
    addList("only here", comparison.added.map { "\($0.name) \($0.storage) \($0.shape)" })
    addList("only there", comparison.removed.map { "\($0.name) \($0.storage) \($0.shape)" })
    lines += comparison.notes.map { "note: " + SafeText.terminal($0, limit: 600) }
    table = Self.table(comparison.changed)
  }

  /// In which ways both sides store what has the same numbers, each once, and how often.
  private static func storages(_ changes: [CheckpointComparison.Change]) -> [String] {
    var ways: [(text: String, count: Int)] = []
    for change in changes {
      let (here, there) = (change.side.storage, change.other.storage)
      let text = here == there ? "\(here) in other bytes" : "\(here), \(there) there"
      if let known = ways.firstIndex(where: { $0.text == text }) {
        ways[known].count += 1
      } else {
        ways.append((text, 1))
      }
    }
    return ways.map { "\($0.text) (\($0.count))" }
  }

  private static func table(_ changed: [CheckpointComparison.Change]) -> Report.Table {
    var table = Report.Table(
      [.init(name: "changed, most first"), .init(name: "dtype", isPlain: true)]
        + ["max", "norm", "relative", "unequal"].map { .init(name: $0, isNumber: true) }, limit: 20)
    func order(_ change: CheckpointComparison.Change) -> Double {
      guard let difference = change.difference, difference.notFiniteCount == 0 else {
        return .infinity
      }
      return difference.relative
    }
    for change in changed.enumerated().sorted(by: {
      (order($1.element), $0.offset) < (order($0.element), $1.offset)
    }).map(\.element) {
      let dtypes = [change.side.storage, change.other.storage]
      let name = Report.Cell.text(SafeText.terminal(change.side.name))
      guard let difference = change.difference else {
        table.rows.append([name, .text("\(change.side.shape), \(change.other.shape) there")])
        continue
      }
      table.rows.append(
        [name, .text(dtypes[0] == dtypes[1] ? dtypes[0] : "\(dtypes[0]), \(dtypes[1]) there")]
          + [
            Readable.significant(difference.maximum, digits: 4),
            Readable.significant(difference.norm, digits: 4),
            Readable.significant(difference.relative, digits: 4), difference.unequalShare,
          ].map(Report.Cell.text))
    }
    return table
  }

  private static func sections(_ difference: AdapterDifference) -> [Self] {
    var first = Self("compared with \(SafeText.terminal(difference.other.string, limit: 1000))")
    first.facts.append(
      (
        "identical",
        !difference.isIdentical
          ? "no"
          : difference.changesNothing
            ? "yes: neither changes anything" : "yes: every module changes in the same way"
      ))
    first.addList("only here", difference.onlyInFirst.map { "phase \($0)" })
    first.addList("only there", difference.onlyInOther.map { "phase \($0)" })
    return [first] + difference.comparisons.map { Self($0.comparison, phase: $0.phase) }
  }

  private init(_ comparison: AdapterComparison, phase: String?) {
    self.init(phase.map { "changes of phase \(SafeText.terminal($0))" } ?? "changes")
    let total = comparison.total
    func short(_ number: Double) -> String { Readable.significant(number, digits: 5) }
    facts = [
      ("norm", "\(short(total.normA)), \(short(total.normB)) there"),
      ("difference", short(total.differenceNorm)),
      ("cosine", total.cosine.map(short) ?? "-"),
    ]
    addList("only here", comparison.onlyInA)
    addList("only there", comparison.onlyInB)
    addList("other shapes", comparison.differentShapes)
    var table = Report.Table(
      [.init(name: "module, most different first")]
        + ["norm", "norm there", "difference", "cosine"].map { .init(name: $0, isNumber: true) },
      limit: 20)
    for module in comparison.modules.enumerated().sorted(by: {
      ($1.element.differenceNorm, $0.offset) < ($0.element.differenceNorm, $1.offset)
    }).map(\.element) {
      table.rows.append(
        ([SafeText.terminal(module.path)]
          + [module.normA, module.normB, module.differenceNorm].map(short)
          + [module.cosine.map(short) ?? "-"]).map(Report.Cell.text))
    }
    self.table = table
  }
}

extension TensorDifference {
  /// Greatest, norm and share in a line.
  fileprivate var text: String {
    if unequalCount == 0 { return "0" }
    var text = "norm \(Readable.significant(norm, digits: 4)), "
    text += "\(Readable.significant(relative, digits: 4)) of the norm there, "
    text += "at most \(Readable.significant(maximum, digits: 4))"
    if notFiniteCount > 0 { text += "; \(Readable.count(notFiniteCount)) not finite" }
    return text
  }

  fileprivate var unequalShare: String {
    guard elementCount > 0 else { return "-" }
    let share = 100 * Double(unequalCount) / Double(elementCount)
    let text = Readable.significant(share, digits: 3) + " %"
    return text + (notFiniteCount > 0 ? ", \(Readable.count(notFiniteCount)) not finite" : "")
  }
}
