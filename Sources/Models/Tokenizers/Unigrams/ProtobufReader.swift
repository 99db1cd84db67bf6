/// Reads the fields of a protocol buffer message, one after the other.
///
/// Source: the encoding page of Protocol Buffers' documentation, "Message Structure".
struct ProtobufReader {
  /// A field's value, by how it is written.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    /// Text, bytes or a message inside this one.
    case bytes(ArraySlice<UInt8>)
    case fixed32(UInt32)
  }

  /// Why bytes are not a message.
  struct Malformation: Error {
    let byteOffset: Int
  }

  private var rest: ArraySlice<UInt8>

  /// A reader of a whole message.
  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field's number and value; nil at the end of the message.
  mutating func nextField() throws(Malformation) -> (number: UInt64, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let key = try varint()
    let value: Value =
      switch key & 7 {
      case 0: .varint(try varint())
      case 1: .fixed64(try fixed(byteCount: 8))
      case 2: .bytes(try bytes(count: try varint()))
      case 5: .fixed32(UInt32(truncatingIfNeeded: try fixed(byteCount: 4)))
      default: throw Malformation(byteOffset: rest.startIndex)
      }
    return (key >> 3, value)
  }

  private mutating func varint() throws(Malformation) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw Malformation(byteOffset: rest.startIndex) }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw Malformation(byteOffset: rest.startIndex)
  }

  private mutating func bytes(count: UInt64) throws(Malformation) -> ArraySlice<UInt8> {
    guard let count = Int(exactly: count), count <= rest.count else {
      throw Malformation(byteOffset: rest.startIndex)
    }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private mutating func fixed(byteCount: Int) throws(Malformation) -> UInt64 {
    try bytes(count: UInt64(byteCount)).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
