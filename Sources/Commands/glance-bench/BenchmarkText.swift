internal import Benchmarking
internal import Reports

/// What a person is told.
struct BenchmarkText {
  private let report: BenchmarkReport

  init(_ report: BenchmarkReport) { self.report = report }

  /// The machine, and a table for every group.
  var text: String {
    let summaries = Summary.all(of: report.comparisons)
    let ratios = RivalRatio.all(of: report.comparisons)
    let tables = report.comparisons.inGroups.map { group in
      let own = summaries.filter { summary in
        summary.group == group[0].group && group[0].timings.contains { $0.name == summary.name }
      }
      let rivals = ratios.filter { ratio in
        ratio.group == group[0].group && group[0].timings.contains { $0.name == ratio.rival }
      }
      return "\n" + SafeText.terminal(group[0].group) + "\n" + table(group, own)
        + rivals.map(line).joined()
    }
    return machine + tables.joined() + (report.hasDisturbed ? Self.legend : "")
  }

  private static let legend = "\n? somebody else used the processor in every round\n"

  private var machine: String {
    let machine = report.machine
    let facts = [
      SafeText.terminal(machine.processor), Readable.count(machine.processorCount, "processor"),
      Readable.bytes(machine.memory), Readable.count(machine.threads, "thread") + " in use",
      "load \(Readable.fixed(machine.load, places: 1))",
    ]
    let kernels = machine.kernels.joined(separator: " and ")
    let rivals = report.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
    return facts.joined(separator: ", ") + "\nglance's \(kernels); \(machine.openBLAS)\n"
      + (rivals.isEmpty ? "" : SafeText.terminal(rivals) + "\n")
  }

  private func line(_ ratio: RivalRatio) -> String {
    let range =
      ratio.smallest == ratio.largest
      ? ""
      : " (\(Readable.fixed(ratio.smallest, places: 2)) to "
        + "\(Readable.fixed(ratio.largest, places: 2)))"
    return "  \(ratio.name) against \(ratio.rival): ratio \(Readable.fixed(ratio.ratio, places: 2))"
      + "\(range), \(Readable.fixed(ratio.seconds, places: 2)) of the seconds\n"
  }

  private func table(_ group: [Comparison], _ summaries: [Summary]) -> String {
    let first = group[0]
    let isRate = first.basis == .rate
    var table = TextTable([.left, .left, .right, .right, .right, .right, .left])
    table.add([
      "", "", "seconds", "CPU s",
      isRate ? "GFLOP/s a CPU s" : first.reference.bytes == nil ? "" : "MB/s",
      "ratio", "",
    ])
    for comparison in group {
      for (index, timing) in comparison.timings.enumerated() {
        table.add([
          index == 0 ? SafeText.terminal(comparison.name) : "", timing.name,
          Readable.significant(timing.wall, digits: 3), Readable.significant(timing.cpu, digits: 3),
          speed(timing), Readable.fixed(comparison.ratio(timing), places: 2),
          timing.wasQuiet ? "" : "?",
        ])
      }
    }
    for (index, summary) in summaries.enumerated() {
      table.add([
        index == 0 ? "median" : "", summary.name, "", "",
        summary.rate.map { Readable.fixed($0 / 1e9, places: 0) } ?? "",
        Readable.fixed(summary.ratio, places: 2),
      ])
    }
    return table.text(indent: 2) + group.map(memory).joined()
  }

  private func speed(_ timing: Timing) -> String {
    if let rate = timing.rate { return Readable.fixed(rate / 1e9, places: 0) }
    return timing.bytes.map { Readable.fixed(Double($0) / timing.wall / 1e6, places: 0) } ?? ""
  }

  private func memory(_ comparison: Comparison) -> String {
    let ours = comparison.memory.map {
      "  \(comparison.name): at most \(Readable.bytes(max(0, $0.anonymous))) of anonymous memory beside "
        + "the weights; planned \(Readable.bytes($0.planned))\n"
    }
    let theirs = comparison.timings.map { timing in
      timing.memory.map {
        "  \(timing.name): at most \(Readable.bytes(max(0, $0.beside))), with weights and libraries "
          + "\(Readable.bytes($0.whole))\n"
      } ?? ""
    }
    return (ours ?? "") + theirs.joined()
  }
}

extension BenchmarkReport {
  /// Whether a row never was quiet.
  fileprivate var hasDisturbed: Bool {
    comparisons.contains { $0.timings.contains { !$0.wasQuiet } }
  }
}
