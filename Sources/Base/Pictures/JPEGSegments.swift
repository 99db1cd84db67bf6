/// The marker segments before the first scan of a JPEG.
///
/// Source: ITU-T T.81, B.1.1 (markers and segments).
struct JPEGSegments: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var offset = 2

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Ends at a scan, at the end of the picture, and at whatever isn't a segment.
  mutating func next() -> (marker: UInt8, payload: ArraySlice<UInt8>)? {
    guard offset < bytes.count, bytes[offset] == 0xff else { return nil }
    while offset < bytes.count, bytes[offset] == 0xff { offset += 1 }
    guard bytes.count - offset >= 3 else { return nil }
    let marker = bytes[offset]
    let length = Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
    guard marker != 0xda, marker != 0xd9, length >= 2, length < bytes.count - offset else {
      return nil
    }
    let start = offset + 3
    offset += 1 + length
    return (marker, bytes[start..<offset])
  }

  /// From the first APP1 segment that holds EXIF.
  var orientation: PictureOrientation {
    let prefix = Array("Exif\0\0".utf8)
    let exif = first { $0.marker == 0xe1 && $0.payload.starts(with: prefix) }
    return exif.flatMap { PictureOrientation(exif: $0.payload.dropFirst(prefix.count)) } ?? .upright
  }
}
