/// How factors of tiles follow each other in ``ScaleRule/Order/blocked``.
package struct BlockedOrder: Sendable {
  /// Rows and columns of factors, filled up to whole parts.
  package let shape: [Int]

  /// Rows of factors in a part.
  package static let partRows = 128
  /// Columns of factors in a part.
  package static let partColumns = 4
  /// Factors in a part.
  package static var partCount: Int { partRows * partColumns }

  /// The order of so many rows and columns of factors.
  package init(rows: Int, columns: Int) {
    shape = [
      (rows + Self.partRows - 1) / Self.partRows * Self.partRows,
      (columns + Self.partColumns - 1) / Self.partColumns * Self.partColumns,
    ]
  }

  /// Parts beside each other.
  package var partsAcross: Int { shape[1] / Self.partColumns }

  /// Where the factor of a row and column stands.
  package func position(_ row: Int, _ column: Int) -> Int {
    Self.position(row, column, columns: shape[1])
  }

  /// Where the factor of a row and column stands among so many columns, whole parts.
  static func position(_ row: Int, _ column: Int, columns: Int) -> Int {
    let part = row / partRows * (columns / partColumns) + column / partColumns
    return part * partCount + row % 32 * 16 + row % partRows / 32 * 4 + column % partColumns
  }
}
