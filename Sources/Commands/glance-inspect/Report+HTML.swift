internal import Files
internal import Pictures
internal import Reports
internal import SystemPackage

/// The report as a page that needs nothing beside itself.
extension Report {
  /// Writes the page; it appears complete or not at all.
  func write(to path: FilePath, overwrite: Bool) throws {
    let bytes = Array(try html().utf8)
    let file = try AtomicFile(creating: path, byteCount: bytes.count, overwrite: overwrite)
    try file.write(unsafe bytes.span.bytes, at: 0)
    try file.commit()
  }

  private func html() throws(PictureError) -> String {
    let name = FilePath(title).lastComponent?.string ?? title
    var page = HTMLPage(title: name)
    page.addText(heading)
    if let picture {
      page.addPicture(
        try PictureFile.contents(of: picture.path), type: picture.format.mediaType,
        description: name)
    }
    for answer in answers { page.add(answer) }
    if !answers.isEmpty { page.addHeading("what it is") }
    page.addFacts(([("path", title)] + facts).joined)
    if !problems.isEmpty {
      page.addHeading("problems")
      page.addFacts(problems.map { ($0.severity.rawValue, $0.text) })
    }
    for section in sections { page.add(section) }
    return page.text
  }
}

extension HTMLPage {
  fileprivate mutating func add(_ section: Report.Section) {
    if !section.title.isEmpty { addHeading(section.title) }
    if !section.facts.isEmpty { addFacts(section.facts.joined) }
    for line in section.lines { addText(line) }
    if let table = section.table, !table.rows.isEmpty {
      for group in table.folded {
        addTable(header: table.columns.map(\.name), rows: group.rows, foldedUnder: group.title)
      }
    }
    if !section.footer.isEmpty { addText(section.footer) }
  }
}

extension Report.Table {
  /// Tables of fewer rows are shown whole.
  private static let foldedRowCount = 24

  /// The rows as a page shows them: those of each group one after the other under a title that counts them, or
  /// all without one.
  fileprivate var folded: [(title: String?, rows: [[HTMLPage.Cell]])] {
    let cells = rows.map { row in
      zip(columns, row).map { column, cell in cell.cell(inUnits: column.isBytes) }
        + row.dropFirst(columns.count).map { $0.cell(inUnits: false) }
    }
    guard rows.count >= Self.foldedRowCount, groups.count == rows.count else {
      return [(nil, cells)]
    }
    var (folded, known) = ([(name: String, rows: [Int])](), [String: Int]())
    for (row, name) in groups.enumerated() {
      if let group = known[name] {
        folded[group].rows.append(row)
      } else {
        known[name] = folded.count
        folded.append((name, [row]))
      }
    }
    return folded.map { group in
      (
        "\(SafeText.terminal(group.name)): \(Readable.count(group.rows.count, "tensor"))\(bytes(of: group.rows))",
        group.rows.map { cells[$0] }
      )
    }
  }

  /// The bytes of some rows, where a column has them.
  private func bytes(of rows: [Int]) -> String {
    guard let column = columns.firstIndex(where: \.isBytes) else { return "" }
    let sum = rows.reduce(0) { sum, row in
      guard case .text(let text) = self.rows[row][column] else { return sum }
      return sum + (Int(text) ?? 0)
    }
    return ", \(Readable.bytes(sum))"
  }
}

extension [Report.Fact] {
  /// Facts without a name belong to the one before them, as further lines of its text.
  fileprivate var joined: Self {
    reduce(into: []) { facts, fact in
      if fact.name.isEmpty, !facts.isEmpty {
        facts[facts.count - 1].text += "\n" + fact.text
      } else {
        facts.append(fact)
      }
    }
  }
}

extension PictureFormat {
  fileprivate var mediaType: String {
    switch self {
    case .png: "image/png"
    case .jpeg: "image/jpeg"
    case .webp: "image/webp"
    }
  }
}

extension Report.Cell {
  fileprivate func cell(inUnits: Bool) -> HTMLPage.Cell {
    switch self {
    case .text(let text): .text(inUnits ? Int(text).map(Readable.bytes) ?? text : text)
    case .histogram(let counts): .bars(counts)
    }
  }
}
