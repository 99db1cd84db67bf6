/// Where the stored top and left sides are when the picture stands upright. Trainers apply it
/// (Pillow's `exif_transpose`), and so does ``PictureFile/picture()``.
///
/// Raw values and names by the place of the first stored row and column.
///
/// Source: CIPA DC-008 (Exif 2.32), 4.6.4 A, tag 274.
public enum PictureOrientation: Int, Sendable {
  case upright = 1
  case mirrored
  case turnedHalf
  case flipped
  case transposed
  case turnedRight
  case transversed
  case turnedLeft

  /// The tag in the first directory of an EXIF block, which begins with a TIFF header; nil when
  /// there is none or it is malformed.
  init?(exif block: ArraySlice<UInt8>) {
    let tiff = TIFFReader(block)
    guard let tiff, let directory = tiff.number(at: 4, byteCount: 4),
      let entryCount = tiff.number(at: directory, byteCount: 2)
    else { return nil }
    for index in 0..<entryCount {
      let entry = directory + 2 + 12 * index
      guard let tag = tiff.number(at: entry, byteCount: 2) else { return nil }
      let shortType = 3
      if tag == 274 {
        guard tiff.number(at: entry + 2, byteCount: 2) == shortType,
          let value = tiff.number(at: entry + 8, byteCount: 2)
        else { return nil }
        self.init(rawValue: value)
        return
      }
    }
    return nil
  }

  /// Whether rows of the upright picture are stored as columns.
  public var swapsSides: Bool { rawValue >= PictureOrientation.transposed.rawValue }

  /// The stored picture, turned.
  func upright(_ stored: Picture) -> Picture {
    if self == .upright { return stored }
    let (width, height) = (stored.width, stored.height)
    let (outWidth, outHeight) = swapsSides ? (height, width) : (width, height)
    var pixels = [UInt8](repeating: 0, count: stored.pixels.count)
    for y in 0..<outHeight {
      for x in 0..<outWidth {
        let (fromX, fromY) =
          switch self {
          case .upright: (x, y)
          case .mirrored: (width - 1 - x, y)
          case .turnedHalf: (width - 1 - x, height - 1 - y)
          case .flipped: (x, height - 1 - y)
          case .transposed: (y, x)
          case .turnedRight: (y, height - 1 - x)
          case .transversed: (width - 1 - y, height - 1 - x)
          case .turnedLeft: (width - 1 - y, x)
          }
        let from = (fromY * width + fromX) * 3
        let to = (y * outWidth + x) * 3
        pixels[to] = stored.pixels[from]
        pixels[to + 1] = stored.pixels[from + 1]
        pixels[to + 2] = stored.pixels[from + 2]
      }
    }
    return Picture(width: outWidth, height: outHeight, pixels: pixels)
  }
}

/// Numbers of a TIFF block in its byte order.
private struct TIFFReader {
  private let bytes: ArraySlice<UInt8>
  private let isBigEndian: Bool

  init?(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    if bytes.starts(with: "MM\0*".utf8) {
      isBigEndian = true
    } else if bytes.starts(with: "II*\0".utf8) {
      isBigEndian = false
    } else {
      return nil
    }
  }

  /// Nil when the bytes aren't there.
  func number(at offset: Int, byteCount: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - byteCount else { return nil }
    let start = bytes.startIndex + offset
    let field = bytes[start..<start + byteCount]
    return isBigEndian
      ? field.reduce(0) { $0 << 8 | Int($1) } : field.reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}
