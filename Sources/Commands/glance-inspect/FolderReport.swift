internal import CommandSupport
internal import Inspection
internal import Reports
internal import SystemPackage

/// What a folder holds, a line for each thing, as it stands on a terminal or a page.
struct FolderReport {
  private let listing: FolderListing
  private let duplicates: [DuplicateSearch.Group]?

  init(_ listing: FolderListing, duplicates: [DuplicateSearch.Group]?) {
    self.listing = listing
    self.duplicates = duplicates
  }

  /// The whole text, in lines of at most so many characters where there is a limit.
  ///
  /// - Parameter columns: characters of a line; nil for any number.
  /// - Returns: lines with their ends.
  func text(columns: Int?) -> String {
    let title = SafeText.terminal(listing.folder.string, limit: 1000)
    var text = Terminal.emphasised(title, .bold) + "\n"
    if !listing.entries.isEmpty {
      let rows = listing.entries.map(cells)
      var table = TextTable([.left, .left, .left, .right, .right, .left])
      table.add(Self.columns)
      for row in rows { table.add(row) }
      text +=
        table.fits(indent: 2, columns: columns)
        ? table.text(indent: 2) : rows.map { Self.paragraph($0, columns) }.joined()
    }
    text += Self.wrapped(footer, columns)
    if let duplicates { text += "\n" + self.text(of: duplicates, columns) }
    return text
  }

  private static let columns = ["file", "what", "form", "rank", "size", "problems"]

  /// The same as a page.
  var page: Report {
    var page = Report()
    page.title = SafeText.terminal(listing.folder.string, limit: 1000)
    page.heading = footer
    var content = Report.Section("")
    content.table = Report.Table(Self.columns.map { Report.Column(name: $0) })
    content.table?.rows = listing.entries.map { cells($0).map(Report.Cell.text) }
    page.sections = [content]
    if let duplicates {
      var copies = Report.Section("copies")
      copies.lines = text(of: duplicates, nil).split(separator: "\n").map(String.init)
      page.sections.append(copies)
    }
    return page
  }

  /// A row that is too long for a line.
  private static func paragraph(_ row: [String], _ columns: Int?) -> String {
    let facts = [row[1], row[2], row[3].isEmpty ? "" : "rank \(row[3])", row[4]]
    return wrapped(row[0], columns)
      + wrapped(facts.filter { !$0.isEmpty }.joined(separator: ", "), indent: 4, columns)
      + (row[5].isEmpty ? "" : wrapped(row[5], indent: 4, columns))
  }

  private func cells(_ entry: FolderListing.Entry) -> [String] {
    let path = SafeText.terminal(entry.path.string, limit: 300)
    guard let summary = entry.summary else {
      return [path, "can't be read", "", "", "", problem(entry.failure.map { "\($0)" } ?? "")]
    }
    let ranks = summary.ranks
    let rank =
      ranks.count > 2
      ? "\(ranks[0])-\(ranks[ranks.count - 1])" : ranks.map { "\($0)" }.joined(separator: ", ")
    return [
      path, SafeText.terminal(summary.title, limit: 100),
      SafeText.terminal(summary.form, limit: 100),
      rank, Readable.bytes(summary.byteCount), problems(entry.findings),
    ]
  }

  /// The first error, else the first warning, and how many more there are.
  private func problems(_ findings: [Inspected.Finding]) -> String {
    guard let first = findings.first else { return "" }
    let text = "\(first.severity.rawValue): \(problem(first.text))"
    return findings.count > 1 ? "\(text) (and \(findings.count - 1) more)" : text
  }

  /// What is wrong in a line, without the folder's name, which stands above.
  private func problem(_ text: String) -> String {
    let folder = listing.folder.string
    let start = folder.hasSuffix("/") ? folder : folder + "/"
    let short = text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text
    return SafeText.terminal(short, limit: 120)
  }

  private var footer: String {
    let size = listing.entries.reduce(0) { $0 + ($1.summary?.byteCount ?? 0) }
    var parts = ["\(listing.entries.count) listed, \(Readable.bytes(size))"]
    if listing.otherFileCount > 0 {
      parts.append(Readable.count(listing.otherFileCount, "other file"))
    }
    if listing.namelessCount > 0 {
      parts.append(
        "left out for names that are not UTF-8: \(Readable.count(listing.namelessCount, "entry", "entries"))"
      )
    }
    let closed = listing.closedFolders
    if !closed.isEmpty {
      let names = closed.prefix(5).map { SafeText.terminal($0.string, limit: 100) }
      parts.append(
        "not looked into: " + names.joined(separator: ", ")
          + (closed.count > 5 ? " and \(closed.count - 5) more" : "") + " (--recursive)")
    }
    return parts.joined(separator: "; ")
  }

  private func text(of groups: [DuplicateSearch.Group], _ columns: Int?) -> String {
    guard !groups.isEmpty else { return Self.wrapped("no file is there twice", columns) }
    var text = ""
    for group in groups {
      let count = group.copies.count
      text += Self.wrapped(
        count > 1
          ? "\(count) copies of \(Readable.bytes(group.byteCount)):"
          : "one file of "
            + "\(Readable.bytes(group.byteCount)) under several names:", columns)
      for names in group.copies {
        let shown = names.map { SafeText.terminal($0.string, limit: 300) }
        text += Self.wrapped(shown.joined(separator: " = "), indent: 4, columns)
      }
    }
    let needless = groups.reduce(0) { $0 + $1.needlessByteCount }
    if needless > 0 {
      text += Self.wrapped("\(Readable.bytes(needless)) would be free without the copies", columns)
    }
    return text
  }

  private static func wrapped(_ text: String, indent: Int = 2, _ columns: Int?) -> String {
    var table = TextTable([.left])
    table.add([text])
    return table.text(indent: indent, columns: columns)
  }
}
