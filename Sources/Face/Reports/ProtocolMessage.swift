/// A message of protocol buffers, written field by field.
///
/// **Source:** protobuf.dev, "Encoding": a field begins with its number times 8 plus the type of what
/// follows: 0 a whole number, 1 eight bytes, 2 bytes after their count, 5 four bytes.
struct ProtocolMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: UInt64, number: UInt64) {
    add(number: field << 3)
    add(number: number)
  }

  mutating func add(_ field: UInt64, double: Double) {
    add(number: field << 3 | 1)
    bytes += littleEndianBytes(double.bitPattern)
  }

  mutating func add(_ field: UInt64, float: Float) {
    add(number: field << 3 | 5)
    bytes += littleEndianBytes(float.bitPattern)
  }

  mutating func add(_ field: UInt64, bytes content: [UInt8]) {
    add(number: field << 3 | 2)
    add(number: UInt64(content.count))
    bytes += content
  }

  /// Seven bits a byte, the lowest first; the eighth says that more follow.
  private mutating func add(number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The bytes of a whole number, the lowest first.
func littleEndianBytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  stride(from: 0, to: Number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
}
