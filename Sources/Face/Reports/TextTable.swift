/// Rows of text in aligned columns.
public struct TextTable: Sendable {
  /// How a column stands.
  public enum Alignment: Sendable {
    /// Text.
    case left
    /// Numbers.
    case right
  }

  private let alignments: [Alignment]
  private(set) var rows: [[String]] = []

  /// A table with one column for each alignment.
  public init(_ alignments: [Alignment]) { self.alignments = alignments }

  /// A table of so many columns of text.
  init(columnCount: Int) { alignments = Array(repeating: .left, count: columnCount) }

  var columnCount: Int { alignments.count }

  /// Adds a row; escape untrusted text first. A row has at most as many cells as there are columns.
  public mutating func add(_ cells: [String]) {
    precondition(cells.count <= alignments.count, "a row has at most one cell a column")
    rows.append(cells)
  }

  /// The table, a line a row, two spaces between columns, none at line ends.
  public func text(indent: Int = 0) -> String {
    let widths = alignments.indices.map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += (column > 0 ? "  " : "") + (alignments[column] == .right ? padding + cell : cell)
        if alignments[column] == .left, column + 1 < row.count { line += padding }
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
