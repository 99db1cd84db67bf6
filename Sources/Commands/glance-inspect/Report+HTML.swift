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
      addTable(header: table.columns.map(\.name), rows: table.rows.map { $0.map(\.cell) })
    }
    if !section.footer.isEmpty { addText(section.footer) }
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
    }
  }
}

extension Report.Cell {
  fileprivate var cell: HTMLPage.Cell {
    switch self {
    case .text(let text): .text(text)
    case .histogram(let counts): .bars(counts)
    }
  }
}
