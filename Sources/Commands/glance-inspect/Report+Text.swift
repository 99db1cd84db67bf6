internal import CommandSupport
internal import Reports

/// The report as it stands on a terminal.
extension Report {
  /// The whole text, in lines of at most so many characters where there is a limit. Where something
  /// was asked the answer stands alone, and before the description with `--verbose`.
  ///
  /// - Parameters:
  ///   - columns: characters of a line; nil for any number.
  ///   - isVerbose: whether nothing is left out.
  /// - Returns: lines with their ends.
  func text(columns: Int?, isVerbose: Bool) -> String {
    var text = Terminal.emphasised(title, .bold) + "\n"
    text += wrapped(heading, indent: 2, columns)
    for answer in answers { text += "\n" + answer.text(columns: columns, isVerbose: isVerbose) }
    if answers.isEmpty || isVerbose { text += "\n" + table(facts, columns) }
    if !problems.isEmpty { text += "\n" }
    let limit = isVerbose ? Int.max : 10
    for (severity, problem) in problems.prefix(limit) {
      let word = severity.rawValue
      let line = wrapped("\(word): \(problem)", indent: 2, columns)
      text += line.replacingPrefix(
        "  \(word)", with: "  " + Terminal.emphasised(word, severity == .error ? .red : .yellow))
    }
    if problems.count > limit {
      text += "  and \(problems.count - limit) more (--verbose shows all)\n"
    }
    for section in sections { text += "\n" + section.text(columns: columns, isVerbose: isVerbose) }
    return text
  }
}

extension Report.Section {
  fileprivate func text(columns: Int?, isVerbose: Bool) -> String {
    var text = title.isEmpty ? "" : "  " + Terminal.emphasised(title, .bold) + "\n"
    text += Report.table(facts, columns)
    for line in lines { text += wrapped(line, indent: 2, columns) }
    if let table { text += table.text(columns: columns, isVerbose: isVerbose) }
    return text + (footer.isEmpty ? "" : wrapped(footer, indent: 2, columns))
  }
}

extension Report.Table {
  fileprivate func text(columns lineLimit: Int?, isVerbose: Bool) -> String {
    guard !rows.isEmpty else { return "" }
    let shown = isVerbose ? rows[...] : rows.prefix(limit ?? .max)
    let cells = shown.map { $0.map(\.text) }
    var text: String
    var table = TextTable(columns.map { $0.isNumber ? .right : .left })
    table.add(columns.map(\.name))
    for row in cells { table.add(row) }
    if let lineLimit, !table.fits(indent: 2, columns: lineLimit) {
      var rows = TextTable(columns.map { _ in .left })
      for row in cells { rows.add(row) }
      text = rows.stackedText(
        labels: columns.dropFirst().map { $0.isPlain ? "" : $0.name }, indent: 2,
        columns: lineLimit)
    } else {
      text = table.text(indent: 2)
    }
    if shown.count < rows.count {
      text += "  and \(rows.count - shown.count) more (--verbose shows all)\n"
    }
    return text
  }
}

extension Report.Cell {
  fileprivate var text: String {
    switch self {
    case .text(let text): text
    case .histogram(let counts): HistogramBars.text(counts, unicode: Terminal.usesUnicode)
    }
  }
}

extension Report {
  fileprivate static func table(_ facts: [Fact], _ columns: Int?) -> String {
    guard !facts.isEmpty else { return "" }
    var table = TextTable([.left, .left])
    for (name, text) in facts { table.add([name, text]) }
    return table.text(indent: 2, columns: columns)
  }

  private func table(_ facts: [Fact], _ columns: Int?) -> String { Self.table(facts, columns) }
}

private func wrapped(_ text: String, indent: Int, _ columns: Int?) -> String {
  var table = TextTable([.left])
  table.add([text])
  return table.text(indent: indent, columns: columns)
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String, with text: String) -> String {
    hasPrefix(prefix) ? text + dropFirst(prefix.count) : self
  }
}
