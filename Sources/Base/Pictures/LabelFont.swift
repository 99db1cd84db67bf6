internal import Formats
internal import JSON

/// Letters to label pictures with: formats/label-font.md.
struct LabelFont {
  /// A character's box of pixels.
  private struct Glyph {
    /// How far the pen moves.
    let advance: Int
    /// Columns from the pen to the box; negative where it begins before the pen.
    let left: Int
    /// Rows from the top of the line to the box.
    let top: Int
    /// Columns of the box.
    let width: Int
    /// How much of each pixel is covered, 0 to 15, `[rows, width]`.
    let coverage: [UInt8]
  }

  /// The one that is embedded.
  static let shared = LabelFont(EmbeddedFormats.document("label-font"))

  /// Pixels that letters are designed for, which a line is somewhat higher than.
  let pixels: Int
  /// Rows of a line.
  let lineHeight: Int
  private let glyphs: [Character: Glyph]
  /// What stands for a character that is lacking: a hollow box.
  private let missing: Glyph

  private init(_ document: JSONValue) {
    pixels = document.count("pixels")
    lineHeight = document.count("line")
    glyphs = Dictionary(
      uniqueKeysWithValues: document.members("glyphs").map { member in
        let fields = member.value.array ?? []
        let numbers = fields.compactMap(\.integer)
        precondition(
          numbers.count == 4 && fields.count == 5, "formats: label-font: '\(member.key)'")
        return (
          Character(member.key),
          Glyph(
            advance: numbers[0], left: numbers[1], top: numbers[2], width: numbers[3],
            coverage: (fields[4].string ?? "").utf8.map { $0 > 57 ? $0 - 87 : $0 - 48 })
        )
      })
    let (width, height) = (pixels / 2, pixels * 3 / 4)
    let box = (0..<height).flatMap { row in
      (0..<width).map { column -> UInt8 in
        [0, height - 1].contains(row) || [0, width - 1].contains(column) ? 15 : 0
      }
    }
    missing = Glyph(
      advance: width + 4, left: 2, top: lineHeight - height - pixels / 4, width: width,
      coverage: box)
  }

  private func glyph(_ character: Character) -> Glyph { glyphs[character] ?? missing }

  /// Columns that a text takes.
  func width(of text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + glyph($1).advance }
  }

  /// A text in lines of at most so many columns, broken between words, and within one that is longer; what
  /// goes beyond the last line is left out, which an ellipsis says. Lines of the text stay lines.
  func lines(of text: String, width limit: Int, atMost count: Int) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(whereSeparator: \.isNewline) {
      var line = ""
      for word in paragraph.split(whereSeparator: \.isWhitespace) {
        let longer = line.isEmpty ? String(word) : line + " " + word
        if width(of: longer) <= limit {
          line = longer
          continue
        }
        if !line.isEmpty { lines.append(line) }
        line = ""
        for character in word {
          if !line.isEmpty, width(of: line + String(character)) > limit {
            lines.append(line)
            line = ""
          }
          line.append(character)
        }
      }
      if !line.isEmpty { lines.append(line) }
    }
    guard lines.count > count else { return lines }
    lines.removeLast(lines.count - count)
    while let last = lines.last, !last.isEmpty, width(of: last + "…") > limit {
      lines[count - 1].removeLast()
    }
    lines[count - 1] += "…"
    return lines
  }

  /// Lines in black on white, as wide as the longest.
  func picture(of lines: [String]) -> Picture {
    let width = max(1, lines.map { self.width(of: $0) }.max() ?? 1)
    let height = max(1, lines.count) * lineHeight
    var covered = [UInt8](repeating: 0, count: width * height)
    for (index, line) in lines.enumerated() {
      var pen = 0
      for character in line {
        let glyph = glyph(character)
        for (place, value) in glyph.coverage.enumerated() where value > 0 {
          let column = pen + glyph.left + place % glyph.width
          let row = glyph.top + place / glyph.width
          guard (0..<width).contains(column), (0..<lineHeight).contains(row) else { continue }
          let pixel = (index * lineHeight + row) * width + column
          covered[pixel] = max(covered[pixel], value)
        }
        pen += glyph.advance
      }
    }
    return Picture(
      width: width, height: height,
      pixels: covered.flatMap { value in
        let shade = 255 - value * 17
        return [shade, shade, shade]
      })
  }
}
