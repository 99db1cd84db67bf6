import PictureBenchmarks
import Pictures

/// Draws 2x2 pictures of one colour, which tells the seed, and remembers what was asked for.
final class FlatPictures: PictureSource {
  struct Stop: Error {}

  private(set) var drawn: [WantedPicture] = []
  private let limit: Int

  /// Stops with an error after so many pictures.
  init(stoppingAfter limit: Int = .max) { self.limit = limit }

  func draw(_ wanted: [WantedPicture], _ handle: (Int, Picture) throws -> Void) throws {
    for (index, picture) in wanted.enumerated() {
      guard drawn.count < limit else { throw Stop() }
      drawn.append(picture)
      try handle(index, FlatPictures.picture(UInt8(truncatingIfNeeded: picture.seed)))
    }
  }

  static func picture(_ level: UInt8) -> Picture {
    Picture(width: 2, height: 2, pixels: Array(repeating: level, count: 12))
  }
}
