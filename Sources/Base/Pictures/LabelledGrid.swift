/// Pictures in rows and columns, with a label before each row, one above each column and a title above
/// all. It is filled a picture at a time, so that they needn't all be in memory.
public struct LabelledGrid: Sendable {
  /// What is written around the pictures.
  public struct Labels: Sendable, Equatable {
    /// Above all; empty for none.
    public var title: String
    /// Before each row; empty texts for none. A text may have several lines.
    public var rows: [String]
    /// Above each column; empty texts for none.
    public var columns: [String]

    /// Labels of at least one row and one column.
    public init(title: String, rows: [String], columns: [String]) {
      precondition(!rows.isEmpty && !columns.isEmpty, "a grid has a place")
      self.title = title
      self.rows = rows
      self.columns = columns
    }
  }

  /// What sides of pictures are divided by, so that the whole has no more pixels than programs open
  /// without a warning: ``Picture/pixelLimit``.
  public let reduction: Int
  private let layout: Layout
  private var pixels: [UInt8]

  /// An empty grid: labels on white, and nothing where pictures come.
  ///
  /// - Parameters:
  ///   - labels: what is written around the pictures.
  ///   - width: columns of the widest picture.
  ///   - height: rows of the highest picture.
  public init(_ labels: Labels, width: Int, height: Int) {
    var (reduction, layout) = (1, Layout(labels, width: width, height: height))
    while layout.pixelCount > Picture.pixelLimit, reduction < max(width, height) {
      reduction += 1
      layout = Layout(
        labels, width: Self.reduced(width, by: reduction),
        height: Self.reduced(height, by: reduction))
    }
    self.reduction = reduction
    self.layout = layout
    pixels = [UInt8](repeating: 255, count: layout.pixelCount * 3)
    for (block, x, y) in layout.blocks { draw(block, x: x, y: y) }
  }

  private static func reduced(_ side: Int, by divisor: Int) -> Int {
    max(1, (side + divisor / 2) / divisor)
  }

  /// Sets a picture into its place, counted from 0.
  public mutating func place(_ picture: Picture, row: Int, column: Int) {
    var picture = picture
    if reduction > 1 {
      picture = picture.resized(
        width: Self.reduced(picture.width, by: reduction),
        height: Self.reduced(picture.height, by: reduction))
    }
    let corner = layout.corner(row: row, column: column)
    draw(picture, x: corner.x + max(0, layout.placeWidth - picture.width) / 2, y: corner.y)
  }

  /// The grid with the pictures so far.
  public var picture: Picture {
    Picture(width: layout.width, height: layout.height, pixels: pixels)
  }

  /// Copies a picture; what stands out of the grid is left out.
  private mutating func draw(_ picture: Picture, x: Int, y: Int) {
    let columns = min(picture.width, layout.width - x)
    guard columns > 0 else { return }
    for row in 0..<min(picture.height, layout.height - y) {
      let (from, to) = (row * picture.width * 3, ((y + row) * layout.width + x) * 3)
      pixels.replaceSubrange(
        to..<to + columns * 3, with: picture.pixels[from..<from + columns * 3])
    }
  }
}

/// Where everything stands in a grid, in its pixels.
private struct Layout {
  /// Labels, drawn, and where.
  let blocks: [(picture: Picture, x: Int, y: Int)]
  /// Of the whole.
  let width: Int
  /// Of the whole.
  let height: Int
  /// Columns between the left sides of a place's neighbours, without the gap.
  let placeWidth: Int
  private let placeHeight: Int
  private let gap: Int
  private let first: (x: Int, y: Int)

  var pixelCount: Int { width * height }

  func corner(row: Int, column: Int) -> (x: Int, y: Int) {
    (first.x + column * (placeWidth + gap), first.y + row * (placeHeight + gap))
  }

  init(_ labels: LabelledGrid.Labels, width pictureWidth: Int, height pictureHeight: Int) {
    let font = LabelFont.shared
    // Letters in proportion to the pictures, but not too small to be read.
    let letters = min(40, max(12, pictureWidth / 26))
    func block(_ text: String, width: Int, lines: Int) -> Picture? {
      let lines = font.lines(
        of: text, width: width * font.pixels / letters, atMost: max(1, lines))
      guard !lines.isEmpty else { return nil }
      let drawn = font.picture(of: lines)
      guard letters != font.pixels else { return drawn }
      return drawn.resized(
        width: max(1, drawn.width * letters / font.pixels),
        height: max(1, drawn.height * letters / font.pixels))
    }
    let gap = letters / 2
    let placeWidth = max(pictureWidth, 7 * letters)
    let placeHeight = max(pictureHeight, 2 * letters)
    (self.gap, self.placeWidth, self.placeHeight) = (gap, placeWidth, placeHeight)
    let lineHeight = font.lineHeight * letters / font.pixels
    let rows = labels.rows.map {
      block(
        $0, width: max(pictureWidth / 2, 12 * letters), lines: placeHeight / max(1, lineHeight))
    }
    let columns = labels.columns.map { block($0, width: placeWidth, lines: 4) }
    let rowWidth = rows.compactMap { $0?.width }.max()
    let columnHeight = columns.compactMap { $0?.height }.max()
    let x = gap + (rowWidth.map { $0 + gap } ?? 0)
    let width = x + labels.columns.count * (placeWidth + gap)
    let title = block(labels.title, width: width - 2 * gap, lines: 4)
    let top = gap + (title.map { $0.height + gap } ?? 0)
    let first = (x: x, y: top + (columnHeight.map { $0 + gap } ?? 0))
    (self.width, self.first) = (width, first)
    height = first.y + labels.rows.count * (placeHeight + gap)

    var blocks: [(picture: Picture, x: Int, y: Int)] = title.map { [($0, gap, gap)] } ?? []
    for (index, column) in columns.enumerated() {
      guard let column else { continue }
      let left = first.x + index * (placeWidth + gap)
      blocks.append(
        (column, left + (placeWidth - column.width) / 2, first.y - gap / 2 - column.height))
    }
    for (index, row) in rows.enumerated() {
      guard let row else { continue }
      blocks.append((row, gap, first.y + index * (placeHeight + gap)))
    }
    self.blocks = blocks
  }
}
