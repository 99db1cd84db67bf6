internal import ArgumentParser
internal import CommandSupport
public import Drawing

extension PictureSizeRequest {
  /// Words for proportions.
  static let presets: [(name: String, width: Int, height: Int)] = [
    ("square", 1, 1), ("landscape", 4, 3), ("portrait", 3, 4), ("photo", 3, 2), ("wide", 16, 9),
    ("tall", 9, 16),
  ]

  /// Reads `1024x768` (width first), `512` (a square), `3:2` (proportions), or a preset's word.
  ///
  /// - Throws: what is no possible size.
  public init(parsing text: String) throws {
    if let preset = Self.presets.first(where: { $0.name == text.lowercased() }) {
      self = .ratio(width: preset.width, height: preset.height)
      return
    }
    let sides = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, !text.contains("x") else {
      let size = try PictureSize(parsing: text)
      self = .pixels(width: size.width, height: size.height)
      return
    }
    guard let width = sides[0], let height = sides[1], (1...100).contains(width),
      (1...100).contains(height), max(width, height) <= 8 * min(width, height)
    else {
      throw ValidationError("expected a ratio such as 3:2, of at most 8:1")
    }
    self = .ratio(width: width, height: height)
  }
}
