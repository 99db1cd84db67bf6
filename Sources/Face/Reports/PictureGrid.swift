/// Pictures to compare: one row a prompt, one column a way of drawing.
public struct PictureGrid: Sendable {
  /// One picture.
  public struct Cell: Sendable {
    /// The bytes of a PNG file.
    public let png: [UInt8]
    /// What stands for the picture where it can't be shown.
    public let description: String

    /// A picture with its description.
    public init(png: [UInt8], description: String) {
      self.png = png
      self.description = description
    }
  }

  /// One row.
  public struct Row: Sendable {
    /// What the row's pictures have in common.
    public let name: String
    /// One a column; nil leaves a place empty.
    public let pictures: [Cell?]

    /// A row of pictures.
    public init(name: String, pictures: [Cell?]) {
      self.name = name
      self.pictures = pictures
    }
  }

  /// Names of the columns.
  public let columns: [String]
  /// The rows.
  public let rows: [Row]

  /// A grid; every row has as many pictures as there are columns.
  public init(columns: [String], rows: [Row]) {
    precondition(rows.allSatisfy { $0.pictures.count == columns.count }, "rows must be full")
    self.columns = columns
    self.rows = rows
  }
}
