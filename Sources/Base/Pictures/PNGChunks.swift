/// Walks over the chunks of a PNG, without inflating or checking what is in them.
///
/// Chunks that go past the end of the file end the walk: decoding reports those.
///
/// Source: Portable Network Graphics (W3C, third edition), 5.3 Chunk layout.
struct PNGChunks: Sequence, IteratorProtocol {
  static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  let bytes: [UInt8]
  private var offset = PNGChunks.signature.count

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> (type: ArraySlice<UInt8>, payload: ArraySlice<UInt8>)? {
    guard bytes.count - offset >= 12 else { return nil }
    let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - offset - 12 else { return nil }
    let start = offset + 8
    offset = start + length + 4
    return (bytes[start - 4..<start], bytes[start..<start + length])
  }

  /// From the `eXIf` chunk.
  var orientation: PictureOrientation {
    let exif = first { $0.type.elementsEqual("eXIf".utf8) }
    return exif.flatMap { PictureOrientation(exif: $0.payload) } ?? .upright
  }
}
