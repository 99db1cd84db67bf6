/// The chunks of a WebP file.
///
/// Source: RFC 9649, 2.3 (RIFF chunks, little-endian sizes, an even number of bytes) and 2.7.1.4 (EXIF).
struct WebPChunks: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var offset = 12

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Ends at whatever isn't a whole chunk.
  mutating func next() -> (type: ArraySlice<UInt8>, payload: ArraySlice<UInt8>)? {
    guard bytes.count - offset >= 8 else { return nil }
    let length = bytes[offset + 4..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - offset - 8 else { return nil }
    let (type, start) = (bytes[offset..<offset + 4], offset + 8)
    offset = start + length + length % 2
    return (type, bytes[start..<start + length])
  }

  /// From the first chunk of EXIF; some programs put the JPEG's prefix before it.
  var orientation: PictureOrientation {
    let prefix = Array("Exif\0\0".utf8)
    guard let exif = first(where: { $0.type.elementsEqual("EXIF".utf8) })?.payload else {
      return .upright
    }
    return PictureOrientation(exif: exif.starts(with: prefix) ? exif.dropFirst(6) : exif)
      ?? .upright
  }
}
