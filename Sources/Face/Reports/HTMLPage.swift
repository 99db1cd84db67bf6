/// A page that needs nothing beside itself: styles, charts and pictures are inside, no scripts.
public struct HTMLPage: Sendable {
  private let title: String
  private var body = ""

  /// An empty page; the title is also its first heading.
  public init(title: String) { self.title = title }

  /// Adds a heading.
  public mutating func addHeading(_ text: String) {
    body += "<h2>\(SafeText.html(text))</h2>\n"
  }

  /// Adds a paragraph of plain text.
  public mutating func addText(_ text: String) { body += "<p>\(SafeText.html(text))</p>\n" }

  /// Adds lines as they would stand on a terminal.
  public mutating func addListing(_ text: String) {
    body += "<pre>\(SafeText.html(text))</pre>\n"
  }

  /// What stands in a cell of a table.
  public enum Cell: Sendable {
    /// Text.
    case text(String)
    /// A histogram: one bar a count, the highest as high as a line.
    case bars([Int])
  }

  /// Adds names and what there is to say of each.
  public mutating func addFacts(_ facts: [(name: String, text: String)]) {
    body += "<table class=\"facts\"><tbody>\n"
    for (name, text) in facts {
      body += "<tr><th>\(SafeText.html(name))</th><td>\(SafeText.html(text))</td></tr>\n"
    }
    body += "</tbody></table>\n"
  }

  /// Adds a table; cells that read as numbers are set to the right.
  ///
  /// - Parameters:
  ///   - header: names of the columns.
  ///   - rows: cells, as many as there are columns.
  public mutating func addTable(header: [String], rows: [[String]]) {
    addTable(header: header, rows: rows.map { $0.map(Cell.text) })
  }

  /// Adds a table whose cells may hold histograms.
  ///
  /// - Parameters:
  ///   - header: names of the columns.
  ///   - rows: cells, as many as there are columns.
  ///   - title: what the table is folded under, closed at first; nil: it is not.
  public mutating func addTable(
    header: [String], rows: [[Cell]], foldedUnder title: String? = nil
  ) {
    if let title { body += "<details><summary>\(SafeText.html(title))</summary>\n" }
    let names = header.enumerated().map { column, name in
      let areNumbers = !rows.isEmpty && rows.allSatisfy { $0[column].isNumber }
      return "<th\(areNumbers ? " class=\"number\"" : "")>\(SafeText.html(name))</th>"
    }.joined()
    body += "<div class=\"wide\"><table><thead><tr>\(names)</tr></thead>\n<tbody>\n"
    for row in rows { body += "<tr>\(row.map(\.html).joined())</tr>\n" }
    body += "</tbody></table></div>\n"
    if title != nil { body += "</details>\n" }
  }

  /// Adds a chart.
  public mutating func add(_ chart: LineChart) {
    body += "<figure>\(chart.legend)<div class=\"wide\">\(chart.svg)</div>"
    body += "<div class=\"narrow\">\(chart.narrowSVG)</div>"
    body += "<figcaption>\(SafeText.html(chart.title))</figcaption></figure>\n"
  }

  /// Adds a picture in its own size, or as wide as the page.
  ///
  /// - Parameters:
  ///   - bytes: of a whole file.
  ///   - type: its media type, such as `image/png`.
  ///   - description: what stands for it where it can't be seen.
  public mutating func addPicture(_ bytes: [UInt8], type: String, description: String) {
    body +=
      "<figure><img class=\"picture\" alt=\"\(SafeText.html(description))\" "
      + "src=\"data:\(SafeText.html(type));base64,\(base64(bytes))\"></figure>\n"
  }

  /// Adds pictures in rows and columns, each with the text of its column above and of its row
  /// beside it.
  public mutating func add(_ grid: PictureGrid) {
    let names = grid.columns.map { "<th>\(SafeText.html($0))</th>" }.joined()
    body +=
      "<div class=\"wide\"><table class=\"pictures\"><thead><tr><th></th>\(names)</tr></thead>\n"
    body += "<tbody>\n"
    for row in grid.rows {
      let cells = row.pictures.map { picture in
        guard let picture else { return "<td></td>" }
        let data = base64(picture.png)
        return "<td><img alt=\"\(SafeText.html(picture.description))\" "
          + "src=\"data:image/png;base64,\(data)\"></td>"
      }
      body += "<tr><th>\(SafeText.html(row.name))</th>\(cells.joined())</tr>\n"
    }
    body += "</tbody></table></div>\n"
  }

  /// The whole page.
  public var text: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(SafeText.html(title))</title>
    <style>
    :root { color-scheme: light dark; }
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto;
      padding: 0 1rem; }
    h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
    table { border-collapse: collapse; font-size: .9rem; margin-bottom: 1rem; }
    th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #8884; }
    .number { text-align: right; } td.number { font-variant-numeric: tabular-nums; }
    .wide td:first-child:not(.number) { min-width: 12rem; overflow-wrap: anywhere; }
    .facts { width: 100%; } .facts th { width: 8rem; font-weight: 500; vertical-align: top; }
    .facts td { overflow-wrap: anywhere; white-space: pre-wrap; } .bars { width: 6rem; height: 1.2rem; }
    h1, h2, p { overflow-wrap: anywhere; }
    .pictures th { vertical-align: middle; font-weight: 500; max-width: 14rem; }
    .pictures tbody th { min-width: 7rem; } .pictures td { border: 0; padding: .3rem; width: 12rem; }
    .pictures img { width: 100%; max-width: 12rem; height: auto; image-rendering: pixelated; display: block; }
    .picture { max-width: 100%; height: auto; display: block; }
    .wide { overflow-x: auto; }
    figure { margin: 1rem 0; } figure svg { display: block; } .narrow { display: none; }
    .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: 0 0 .4rem;
      padding: 0; max-width: 40rem; font-size: .85rem; }
    .legend li { display: flex; align-items: center; gap: .4rem; overflow-wrap: anywhere; }
    .legend span { flex: none; width: 1.1rem; height: .2rem; border-radius: .4rem; }
    .legend .dot { width: .7rem; height: .7rem; }
    figcaption { font-size: .9rem; opacity: .8; }
    svg { max-width: 100%; height: auto; }
    details { border-bottom: 1px solid #8884; } summary { padding: .3rem .6rem; font-size: .9rem; cursor: pointer; }
    @media (max-width: 40rem) { .facts th { width: 5rem; } th, td { padding: .3rem .35rem; }
      figure .wide { display: none; } figure .narrow { display: block; }
      .wide table { font-size: .75rem; } .wide td:first-child:not(.number) { min-width: 5rem; }
      .pictures, .pictures thead, .pictures tbody { display: block; }
      .pictures tr { display: flex; flex-wrap: wrap; align-items: end; }
      .pictures thead th, .pictures td { flex: 1 1 0; min-width: 0; padding: .15rem; font-size: .75rem; }
      .pictures thead th:first-child { display: none; }
      .pictures tbody th { flex: 0 0 100%; max-width: none; border: 0; box-sizing: border-box;
        overflow-wrap: anywhere; }
      .pictures img { width: 100%; } }
    pre { overflow-x: auto; padding: .7rem; border: 1px solid #8884; font-size: .85rem; }
    @media (max-width: 40rem) { pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .7rem; } }
    </style>
    </head>
    <body>
    <h1>\(SafeText.html(title))</h1>
    \(body)</body>
    </html>

    """
  }
}

extension HTMLPage.Cell {
  /// Whether it reads as a number, a digit or a sign beginning it, or stands for none.
  fileprivate var isNumber: Bool {
    if case .text("–") = self { return true }
    guard case .text(let text) = self, let first = text.utf8.first else { return false }
    return (48...57).contains(first) || first == 43 || first == 45
  }

  fileprivate var html: String {
    switch self {
    case .text(let text):
      return "<td\(isNumber ? " class=\"number\"" : "")>\(SafeText.html(text))</td>"
    case .bars(let counts):
      let most = max(1, counts.max() ?? 1)
      let bars = counts.enumerated().map { index, count in
        // A bin with anything in it is seen.
        let height = count == 0 ? 0 : max(3, (100 * count + most / 2) / most)
        return "<rect x=\"\(10 * index)\" y=\"\(100 - height)\" width=\"9\" "
          + "height=\"\(height)\"/>"
      }
      return "<td><svg class=\"bars\" viewBox=\"0 0 \(10 * counts.count) 100\" "
        + "preserveAspectRatio=\"none\" fill=\"currentColor\">\(bars.joined())</svg></td>"
    }
  }
}

/// Bytes as base64 with padding (RFC 4648, section 4).
func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    var bits = 0
    for byte in group { bits = bits << 8 | Int(byte) }
    bits <<= 8 * (3 - group.count)
    for place in 0..<4 {
      let isFilled = place <= group.count
      text.append(isFilled ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}
