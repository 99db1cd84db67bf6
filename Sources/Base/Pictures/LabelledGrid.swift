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
  /// None as long as nothing is placed.
  private var pixels: [UInt8] = []

  /// An empty grid: labels on white, and nothing where pictures come; nil where even pictures as small as their
  /// labels make it larger than ``Picture/pixelLimit``.
  ///
  /// - Parameters:
  ///   - labels: what is written around the pictures.
  ///   - width: columns of the widest picture.
  ///   - height: rows of the highest picture.
  public init?(_ labels: Labels, width: Int, height: Int) {
    let places = labels.rows.count * labels.columns.count
    let limit = Picture.pixelLimit
    guard places <= limit / Layout.smallestPlace else { return nil }
    // What the places alone need; labels need a little more.
    let least = Double(width) * Double(height) * Double(places)
    var reduction = max(1, Int((least / Double(limit)).squareRoot()))
    while true {
      let layout = Layout(
        labels, width: Self.reduced(width, by: reduction),
        height: Self.reduced(height, by: reduction))
      if layout.pixelCount <= limit {
        self.reduction = reduction
        self.layout = layout
        return
      }
      guard !layout.isSmallest else { return nil }
      reduction += max(1, reduction / 8)
    }
  }

  private static func reduced(_ side: Int, by divisor: Int) -> Int {
    max(1, (side + divisor / 2) / divisor)
  }

  /// Sets a picture into its place, counted from 0.
  public mutating func place(_ picture: Picture, row: Int, column: Int) {
    if pixels.isEmpty { pixels = empty }
    var picture = picture
    if reduction > 1 {
      picture = picture.resized(
        width: Self.reduced(picture.width, by: reduction),
        height: Self.reduced(picture.height, by: reduction))
    }
    let corner = layout.corner(row: row, column: column)
    layout.draw(
      picture, x: corner.x + max(0, layout.placeWidth - picture.width) / 2, y: corner.y,
      into: &pixels)
  }

  /// Labels on white.
  private var empty: [UInt8] {
    var pixels = [UInt8](repeating: 255, count: layout.pixelCount * 3)
    for block in layout.blocks {
      layout.draw(block.picture, x: block.x, y: block.y, into: &pixels)
    }
    return pixels
  }

  /// The grid with the pictures so far.
  public var picture: Picture {
    Picture(
      width: layout.width, height: layout.height, pixels: pixels.isEmpty ? empty : pixels)
  }
}

/// A text in lines, and how large it is drawn.
private struct Label {
  private let lines: [String]
  /// In pixels of the grid.
  let width: Int
  /// In pixels of the grid.
  let height: Int

  /// A text in at most so many lines of at most so many pixels; nil for none.
  init?(_ text: String, letters: Int, width: Int, lines count: Int) {
    let font = LabelFont.shared
    lines = font.lines(of: text, width: width * font.pixels / letters, atMost: max(1, count))
    guard let widest = lines.map({ font.width(of: $0) }).max() else { return nil }
    self.width = max(1, widest * letters / font.pixels)
    height = max(1, lines.count * font.lineHeight * letters / font.pixels)
  }

  /// The letters, drawn.
  var picture: Picture {
    let drawn = LabelFont.shared.picture(of: lines)
    return drawn.width == width && drawn.height == height
      ? drawn : drawn.resized(width: width, height: height)
  }
}

/// Where everything stands in a grid, in its pixels.
private struct Layout {
  /// Labels, and where.
  private let labels: [(label: Label, x: Int, y: Int)]
  /// Of the whole.
  let width: Int
  /// Of the whole.
  let height: Int
  /// Columns between the left sides of a place's neighbours, without the gap.
  let placeWidth: Int
  /// Whether smaller pictures would make it no smaller.
  let isSmallest: Bool
  private let placeHeight: Int
  private let gap: Int
  private let first: (x: Int, y: Int)

  /// Pixels of letters that can still be read.
  private static let smallestLetters = 12
  /// Pixels of a place that has room for such letters.
  static let smallestPlace = leastWidth(smallestLetters) * leastHeight(smallestLetters)

  private static func leastWidth(_ letters: Int) -> Int { 7 * letters }
  private static func leastHeight(_ letters: Int) -> Int { 2 * letters }

  var pixelCount: Int { width * height }

  /// Labels as pictures.
  var blocks: [(picture: Picture, x: Int, y: Int)] {
    labels.map { ($0.label.picture, $0.x, $0.y) }
  }

  func corner(row: Int, column: Int) -> (x: Int, y: Int) {
    (first.x + column * (placeWidth + gap), first.y + row * (placeHeight + gap))
  }

  /// Copies a picture; what stands out of the grid is left out.
  func draw(_ picture: Picture, x: Int, y: Int, into pixels: inout [UInt8]) {
    let columns = min(picture.width, width - x)
    guard columns > 0 else { return }
    for row in 0..<max(0, min(picture.height, height - y)) {
      let (from, to) = (row * picture.width * 3, ((y + row) * width + x) * 3)
      pixels.replaceSubrange(
        to..<to + columns * 3, with: picture.pixels[from..<from + columns * 3])
    }
  }

  init(_ texts: LabelledGrid.Labels, width pictureWidth: Int, height pictureHeight: Int) {
    // Letters in proportion to the pictures, but not too small to be read.
    let letters = min(40, max(Self.smallestLetters, pictureWidth / 26))
    func label(_ text: String, width: Int, lines: Int) -> Label? {
      Label(text, letters: letters, width: width, lines: lines)
    }
    let font = LabelFont.shared
    let gap = letters / 2
    let placeWidth = max(pictureWidth, Self.leastWidth(letters))
    let placeHeight = max(pictureHeight, Self.leastHeight(letters))
    (self.gap, self.placeWidth, self.placeHeight) = (gap, placeWidth, placeHeight)
    isSmallest =
      letters == Self.smallestLetters && placeWidth > pictureWidth && placeHeight > pictureHeight
    let lineHeight = max(1, font.lineHeight * letters / font.pixels)
    let rows = texts.rows.map {
      label($0, width: max(pictureWidth / 2, 12 * letters), lines: placeHeight / lineHeight)
    }
    let columns = texts.columns.map { label($0, width: placeWidth, lines: 4) }
    let rowWidth = rows.compactMap { $0?.width }.max()
    let columnHeight = columns.compactMap { $0?.height }.max()
    let x = gap + (rowWidth.map { $0 + gap } ?? 0)
    let width = x + texts.columns.count * (placeWidth + gap)
    let title = label(texts.title, width: width - 2 * gap, lines: 4)
    let top = gap + (title.map { $0.height + gap } ?? 0)
    let first = (x: x, y: top + (columnHeight.map { $0 + gap } ?? 0))
    (self.width, self.first) = (width, first)
    height = first.y + texts.rows.count * (placeHeight + gap)

    var labels: [(label: Label, x: Int, y: Int)] = title.map { [($0, gap, gap)] } ?? []
    for (index, column) in columns.enumerated() {
      guard let column else { continue }
      let left = first.x + index * (placeWidth + gap)
      labels.append(
        (column, left + (placeWidth - column.width) / 2, first.y - gap / 2 - column.height))
    }
    for (index, row) in rows.enumerated() {
      guard let row else { continue }
      labels.append((row, gap, first.y + index * (placeHeight + gap)))
    }
    self.labels = labels
  }
}
