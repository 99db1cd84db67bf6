internal import CXXHash

/// XXH3 with 64 bits.
///
/// Source: Cyan4973/xxHash, `doc/xxhash_spec.md`.
func xxh3(_ bytes: RawSpan) -> UInt64 {
  unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
}

/// XXH3 with 64 bits.
func xxh3(_ bytes: [UInt8]) -> UInt64 { unsafe xxh3(bytes.span.bytes) }

extension RawSpan {
  /// A copy of some bytes.
  func bytes(_ range: Range<Int>) -> [UInt8] {
    unsafe extracting(range).withUnsafeBytes { unsafe Array($0) }
  }
}

extension RandomAccessCollection<UInt8> where Index == Int {
  /// The unsigned number in some bytes, counted from the first of this collection.
  func littleEndian(_ byteCount: Int, at offset: Int) -> UInt64 {
    var number: UInt64 = 0
    for byte in (0..<byteCount).reversed() {
      number = number << 8 | UInt64(self[startIndex + offset + byte])
    }
    return number
  }
}

extension [UInt8] {
  /// Appends the lowest bytes of a number.
  mutating func append(littleEndian number: UInt64, byteCount: Int) {
    for byte in 0..<byteCount { append(UInt8(truncatingIfNeeded: number >> (8 * byte))) }
  }
}
