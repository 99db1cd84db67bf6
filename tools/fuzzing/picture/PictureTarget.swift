import FuzzSupport
import MemoryFiles
import Pictures
import SystemPackage

/// A PNG or JPEG file: what is accepted has as many pixels as it says. A PNG is also read with its
/// checksums made right, since hardly any mutation survives them.
@main
enum PictureTarget: FuzzTarget {
  /// Larger pictures are checked row by row only, which needs no memory and is what costs time.
  private static let pixelLimit = 1 << 18

  static func run(_ input: RawSpan) {
    read(input)
    guard let repaired = PNGChecksums.repaired(input.array) else { return }
    read(unsafe repaired.span.bytes)
  }

  private static func read(_ bytes: RawSpan) {
    let path = MemoryFile.path(holding: bytes)
    do {
      let file = try PictureFile(opening: path)
      promise(
        file.width > 0 && file.height > 0 && file.width * file.height <= Picture.pixelLimit,
        "sizes within the limit")
      _ = file.texts.count + file.skippedTextCount
      guard file.width * file.height <= pixelLimit else { return }
      let picture = try file.picture()
      let isTurned = picture.width != file.width
      promise(
        picture.pixels.count == picture.width * picture.height * 3
          && (isTurned ? picture.height == file.width : picture.height == file.height),
        "as many pixels as it says")
    } catch {
      _ = "\(error)"
    }
  }
}
