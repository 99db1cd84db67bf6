/// A table of comma-separated values: cells, of which some are quoted.
///
/// **Source:** RFC 4180; the last line may lack its end, and lines may end with LF alone.
struct CommaSeparated {
  /// A row of the table.
  struct Row {
    /// The line where it begins, from 1.
    let line: Int
    let cells: [String]
  }

  /// The names of the columns.
  let header: [String]
  /// The rows under them, as wide as the header.
  let rows: [Row]

  init(_ file: TextFile) throws {
    var rows = try Self.rows(of: file)
    guard !rows.isEmpty else {
      throw file.wrong(expected: "comma-separated values", found: "nothing")
    }
    header = rows.removeFirst().cells
    for row in rows where row.cells.count != header.count {
      throw file.wrong(
        row.line, expected: "\(header.count) cells, as the first line has",
        found: "\(row.cells.count)")
    }
    self.rows = rows
  }

  private static func rows(of file: TextFile) throws -> [Row] {
    var rows: [Row] = []
    var cells: [String] = []
    var (line, first) = (1, 1)
    var rest = file.text[...]
    while !rest.isEmpty {
      cells.append(try cell(&rest, file, &line))
      switch rest.popFirst() {
      case ",": if rest.isEmpty { cells.append("") } else { continue }
      default: break
      }
      if cells != [""] { rows.append(Row(line: first, cells: cells)) }
      cells = []
      line += 1
      first = line
    }
    return rows
  }

  /// Takes a cell off the text, up to its comma or line end.
  private static func cell(
    _ rest: inout Substring, _ file: TextFile, _ line: inout Int
  ) throws -> String {
    guard rest.first == "\"" else {
      let cell = rest.prefix { !isEnd($0) }
      rest = rest[cell.endIndex...]
      return String(cell)
    }
    let start = line
    rest.removeFirst()
    var cell = ""
    while let character = rest.popFirst() {
      if character == "\"" {
        guard rest.first == "\"" else {
          guard let next = rest.first, !isEnd(next) else { return cell }
          throw file.wrong(
            line, expected: "a comma or the line's end after a quoted cell", found: "'\(next)'")
        }
        rest.removeFirst()
      } else if character.isNewline {
        line += 1
      }
      cell.append(character)
    }
    throw file.wrong(start, expected: "a quoted cell that ends", found: "the end of the file")
  }

  private static func isEnd(_ character: Character) -> Bool {
    character == "," || character == "\n" || character == "\r\n"
  }
}
