extension TextTable {
  /// The table in lines of at most so many characters: as ``text(indent:)`` gives it where that fits,
  /// else with the last column's texts continued below themselves.
  ///
  /// - Parameters:
  ///   - indent: spaces before every line.
  ///   - columns: characters of a line; nil for any number.
  /// - Returns: lines with their ends.
  public func text(indent: Int = 0, columns: Int?) -> String {
    let whole = text(indent: indent)
    guard let columns, whole.longestLine > columns else { return whole }
    let widths = (0..<max(0, columnCount - 1)).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    let start = indent + widths.reduce(0) { $0 + $1 + 2 }
    let room = max(20, columns - start)
    var broken = TextTable(columnCount: columnCount)
    for row in rows {
      let pieces = Self.pieces(of: row.last ?? "", room: room)
      let blank = [String](repeating: "", count: max(0, row.count - 1))
      for (number, piece) in pieces.enumerated() {
        broken.add((number == 0 ? Array(row.dropLast()) : blank) + [piece])
      }
    }
    return broken.text(indent: indent)
  }

  /// A table whose first row names the columns, in lines of at most so many characters: as
  /// ``text(indent:)`` gives it where that fits, else row by row as ``stackedText(labels:indent:columns:)``.
  ///
  /// - Parameters:
  ///   - indent: spaces before every line.
  ///   - columns: characters of a line; nil for any number.
  /// - Returns: lines with their ends.
  public func headedText(indent: Int = 0, columns: Int?) -> String {
    guard let columns, let names = rows.first, !fits(indent: indent, columns: columns) else {
      return text(indent: indent)
    }
    var body = TextTable(columnCount: columnCount)
    for row in rows.dropFirst() { body.add(row) }
    return body.stackedText(labels: Array(names.dropFirst()), indent: indent, columns: columns)
  }

  /// Every row as a few lines: the first cell, and below it the others, each behind its label.
  ///
  /// - Parameters:
  ///   - labels: of the columns, the first one's left out; an empty one stands for none.
  ///   - indent: spaces before the first cell; the others have two more.
  ///   - columns: characters of a line.
  /// - Returns: lines with their ends.
  public func stackedText(labels: [String], indent: Int = 0, columns: Int) -> String {
    var text = ""
    for row in rows {
      text += String(repeating: " ", count: indent) + (row.first ?? "") + "\n"
      var line = ""
      let cells = zip(labels, row.dropFirst()).filter { !$0.1.isEmpty }
      for (label, cell) in cells {
        let part = label.isEmpty ? cell : "\(label) \(cell)"
        if !line.isEmpty, indent + 2 + line.count + 2 + part.count > columns {
          text += String(repeating: " ", count: indent + 2) + line + "\n"
          line = ""
        }
        line += (line.isEmpty ? "" : "  ") + part
      }
      if !line.isEmpty { text += String(repeating: " ", count: indent + 2) + line + "\n" }
    }
    return text
  }

  /// Whether every line of ``text(indent:)`` has at most so many characters.
  public func fits(indent: Int = 0, columns: Int?) -> Bool {
    columns.map { text(indent: indent).longestLine <= $0 } ?? true
  }

  /// A text cut at spaces; a word that is longer than a line is cut where the line ends.
  static func pieces(of text: String, room: Int) -> [String] {
    var pieces: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      var word = String(word)
      if !line.isEmpty, line.count + 1 + word.count > room {
        pieces.append(line)
        line = ""
      }
      while line.isEmpty, word.count > room {
        pieces.append(String(word.prefix(room)))
        word.removeFirst(room)
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty || pieces.isEmpty { pieces.append(line) }
    return pieces
  }
}

extension String {
  fileprivate var longestLine: Int { split(separator: "\n").map(\.count).max() ?? 0 }
}
