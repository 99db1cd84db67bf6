import Reports
import Safetensors
import SystemPackage

/// The report as a page that needs nothing beside itself.
extension Report {
  /// Writes the page; it appears complete or not at all.
  func write(to path: FilePath, overwrite: Bool) throws(SafetensorsError) {
    let bytes = Array(html.utf8)
    let file = try AtomicFile(creating: path, byteCount: bytes.count, overwrite: overwrite)
    try file.write(unsafe bytes.span.bytes, at: 0)
    try file.commit()
  }

  private var html: String {
    let name = FilePath(title).lastComponent?.string ?? title
    var page = HTMLPage(title: name)
    page.addText(heading)
    page.addFacts([("path", title)] + facts)
    if !problems.isEmpty {
      page.addHeading("Problems")
      page.addFacts(problems.map { ($0.severity.rawValue, $0.text) })
    }
    for section in sections {
      if !section.title.isEmpty { page.addHeading(section.title) }
      if !section.facts.isEmpty { page.addFacts(section.facts) }
      for line in section.lines { page.addText(line) }
      if let table = section.table, !table.rows.isEmpty {
        page.addTable(header: table.columns.map(\.name), rows: table.rows.map { $0.map(\.cell) })
      }
      if !section.footer.isEmpty { page.addText(section.footer) }
    }
    return page.text
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
