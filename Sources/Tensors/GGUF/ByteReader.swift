/// Reads a header from its start: little-endian numbers and texts, never past its end.
struct ByteReader: ~Escapable {
  /// What of the file may be header.
  private let bytes: RawSpan
  /// Size of the whole file, which may go on after ``bytes``.
  private let fileByteCount: Int
  /// The next byte to read.
  private(set) var position = 0
  /// What is being read, for messages.
  var place = "the first bytes"

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, fileByteCount: Int) {
    self.bytes = bytes
    self.fileByteCount = fileByteCount
  }

  /// How many bytes of the file have not been read.
  var available: Int { fileByteCount - position }

  /// Passes over bytes; the position of the first.
  @_lifetime(self: copy self)
  mutating func take(_ count: Int) throws(GGUFFault) -> Int {
    guard count <= available else {
      throw .headerTruncated(place: place, byteCount: fileByteCount)
    }
    guard count <= bytes.byteCount - position else {
      throw .headerTooLarge(place: place, limit: bytes.byteCount)
    }
    defer { position += count }
    return position
  }

  /// An integer of any width.
  @_lifetime(self: copy self)
  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type = Value.self
  ) throws(GGUFFault) -> Value {
    let start = try take(MemoryLayout<Value>.size)
    return unsafe Value(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: type))
  }

  /// A count of things that each take some bytes at least: refused before anything is made for them
  /// when there can't be so many.
  @_lifetime(self: copy self)
  mutating func count(of what: String, leastByteCount: Int) throws(GGUFFault) -> Int {
    let declared = try integer(UInt64.self)
    guard let count = Int(exactly: declared), count <= available / leastByteCount else {
      throw .tooMany(place: place, what: what, declared: declared, available: available)
    }
    return count
  }

  /// The bytes of a text after its length.
  @_lifetime(self: copy self)
  mutating func textRange() throws(GGUFFault) -> Range<Int> {
    let count = try count(of: "bytes of text", leastByteCount: 1)
    let start = try take(count)
    return start..<start + count
  }

  /// The text of a range, or nil when it isn't UTF-8.
  func text(_ range: Range<Int>) -> String? {
    let span = Span<UInt8>(_bytes: bytes.extracting(range))
    guard let utf8 = try? UTF8Span(validating: span) else { return nil }
    return String(copying: utf8)
  }

  /// The text of a range with what isn't UTF-8 replaced by U+FFFD.
  func repairedText(_ range: Range<Int>) -> String {
    unsafe bytes.extracting(range).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of a range, for a message.
  func copy(_ range: Range<Int>) -> [UInt8] {
    unsafe bytes.extracting(range).withUnsafeBytes { unsafe Array($0) }
  }
}
