/// The checksums of a PNG's chunks.
enum PNGChecksums {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
    }
  }

  /// The file with a right CRC behind every chunk that lies in it; nil for what is no PNG, or is
  /// right already.
  ///
  /// **Source:** PNG specification, annex D, "Sample CRC implementation".
  static func repaired(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return nil }
    var result = bytes
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - position - 12 else { break }
      let end = position + 8 + length
      let sum = bytes[position + 4..<end].reduce(UInt32.max) {
        table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8
      }
      for index in 0..<4 {
        result[end + index] = UInt8(truncatingIfNeeded: ~sum >> (24 - 8 * index))
      }
      position = end + 4
    }
    return result == bytes ? nil : result
  }
}
