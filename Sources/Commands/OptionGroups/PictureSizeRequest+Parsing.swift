internal import ArgumentParser
internal import CommandSupport
public import Drawing

extension PictureSizeRequest {
  /// Reads `1024x768` (width first), `512` (a square), or `3:2` (proportions).
  ///
  /// - Throws: what is no possible size.
  public init(parsing text: String) throws {
    let sides = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, !text.contains("x") else {
      let size = try PictureSize(parsing: Int(text).map { "\($0)x\($0)" } ?? text)
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
