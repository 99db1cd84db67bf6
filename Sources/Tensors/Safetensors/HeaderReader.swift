internal import Elements
internal import JSON
internal import Tensors
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// What a header says, not yet compared with the file's size.
struct Header {
  /// One tensor's entry; offsets count from the end of the header.
  struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  /// In the order of the header.
  var entries: [Entry] = []
  /// Finds entries by name.
  var index = UTF8Index()
  /// The texts of `__metadata__`, in its order.
  var metadata: Metadata = []
}

/// Reads the JSON of a header: byte by byte, without recursion, nothing rounded or repaired.
///
/// Accepted as the official reader does: white space anywhere between tokens, unknown fields in an
/// entry, `__metadata__` null, names of any characters. Refused though it accepts them: a name or
/// metadata key twice, entries and dtypes in other forms than the README's, sizes of 2^63 and more.
struct HeaderReader: ~Escapable {
  private var scanner: JSONScanner
  private var header = Header()
  private var hasMetadata = false
  private var dimensions: [Int] = []

  /// How many brackets may be open at once, those of the header and its entries included: one less
  /// than serde_json's limit of 128, which counts the level that fails.
  private static let maximumDepth = 127

  /// The fewest bytes that an entry takes, with its name and its comma.
  private static let leastEntryByteCount = 48

  /// Reads a header's JSON.
  static func read(_ text: RawSpan) throws(HeaderFault) -> Header {
    var reader = try HeaderReader(text)
    try reader.readMembers()
    return reader.header
  }

  @_lifetime(copy text)
  private init(_ text: RawSpan) throws(HeaderFault) {
    do { scanner = try JSONScanner(text) } catch { throw .json(error) }
    // Reserved at once, because doubling needs the old and the new array at the same time.
    let entryCount = min(
      text.count(of: UInt8(ascii: "{")), text.byteCount / HeaderReader.leastEntryByteCount)
    header.entries.reserveCapacity(entryCount)
    header.index = UTF8Index(capacity: entryCount)
  }

  @_lifetime(self: copy self)
  private mutating func readMembers() throws(HeaderFault) {
    try expect("{")
    if !scanner.take("}") {
      repeat {
        let name = try string()
        try expect(":")
        if name.sameBytes(as: "__metadata__") {
          try readMetadata()
        } else {
          try readEntry(of: name)
        }
      } while scanner.take(",")
      try expect("}")
    }
    do { try scanner.expectEnd() } catch { throw .json(error) }
  }

  @_lifetime(self: copy self)
  private mutating func readMetadata() throws(HeaderFault) {
    if hasMetadata { throw .duplicateMetadata }
    hasMetadata = true
    if scanner.takeWord("null") { return }
    guard scanner.take("{") else { throw notFound(.metadataNotAnObject) }
    if scanner.take("}") { return }
    var index = UTF8Index()
    repeat {
      let key = try string()
      try expect(":")
      scanner.skipSpace()
      guard scanner.next == UInt8(ascii: "\"") else { throw notFound(.metadataNotText(key: key)) }
      guard HeaderReader.isNew(key, among: header.metadata, &index) else {
        throw .duplicateMetadataKey(key)
      }
      header.metadata.append((key, try string()))
    } while scanner.take(",")
    try expect("}")
  }

  @_lifetime(self: copy self)
  private mutating func readEntry(of name: String) throws(HeaderFault) {
    guard scanner.take("{") else { throw notFound(.entryNotAnObject(tensor: name)) }
    var dtype: DType?
    var shape: [Int]?
    var offsets: (begin: Int, end: Int)?
    if !scanner.take("}") {
      repeat {
        let field = try readField()
        try expect(":")
        switch field {
        case .dtype:
          if dtype != nil { throw .duplicateField(tensor: name, field: .dtype) }
          dtype = try readDType(of: name)
        case .shape:
          if shape != nil { throw .duplicateField(tensor: name, field: .shape) }
          try readIntegers(.shape, of: name)
          shape = sharedShape()
        case .dataOffsets:
          if offsets != nil { throw .duplicateField(tensor: name, field: .dataOffsets) }
          try readIntegers(.dataOffsets, of: name)
          guard dimensions.count == 2 else { throw .offsetCount(tensor: name) }
          offsets = (dimensions[0], dimensions[1])
        case nil: try skipValue()
        }
      } while scanner.take(",")
      try expect("}")
    }
    guard let dtype else { throw .missingField(tensor: name, field: .dtype) }
    guard let shape else { throw .missingField(tensor: name, field: .shape) }
    guard let offsets else { throw .missingField(tensor: name, field: .dataOffsets) }
    try append(
      Header.Entry(
        name: name, dtype: dtype, shape: shape, begin: offsets.begin, end: offsets.end))
  }
}

/// Fields of an entry.
extension HeaderReader {
  /// Reads the name of a field; nil for an unknown one. Nearly all are written plainly.
  @_lifetime(self: copy self)
  private mutating func readField() throws(HeaderFault) -> HeaderFault.Field? {
    if scanner.takeWord("\"dtype\"") { return .dtype }
    if scanner.takeWord("\"shape\"") { return .shape }
    if scanner.takeWord("\"data_offsets\"") { return .dataOffsets }
    return HeaderFault.Field(rawValue: try string())
  }

  @_lifetime(self: copy self)
  private mutating func readDType(of name: String) throws(HeaderFault) -> DType {
    let text: String
    do { text = try scanner.string() } catch {
      throw .invalidField(tensor: name, field: .dtype, reason: error)
    }
    // Most tensors have the type of the one before.
    if let last = header.entries.last?.dtype, text.sameBytes(as: last.rawValue) { return last }
    // Swift compares strings by canonical equivalence; every name listed is ASCII.
    guard let dtype = DType(rawValue: text), text.utf8.count == dtype.rawValue.utf8.count else {
      throw .unknownDType(tensor: name, dtype: text)
    }
    return dtype
  }

  /// Reads a list of integers into ``dimensions``.
  @_lifetime(self: copy self)
  private mutating func readIntegers(
    _ field: HeaderFault.Field, of name: String
  ) throws(HeaderFault) {
    dimensions.removeAll(keepingCapacity: true)
    do {
      try scanner.expect("[")
      if scanner.take("]") { return }
      repeat { dimensions.append(try scanner.count()) } while scanner.take(",")
      try scanner.expect("]")
    } catch {
      throw .invalidField(tensor: name, field: field, reason: error)
    }
  }

  /// The shape just read; the array of the tensor before when they are equal, because a header
  /// may have two million entries.
  private func sharedShape() -> [Int] {
    if let last = header.entries.last?.shape, last == dimensions { return last }
    return Array(dimensions[...])
  }

  @_lifetime(self: copy self)
  private mutating func append(_ entry: Header.Entry) throws(HeaderFault) {
    guard HeaderReader.isNew(entry.name, among: header.entries, &header.index) else {
      throw .duplicateTensor(entry.name)
    }
    header.entries.append(entry)
  }

  private static func isNew(
    _ name: String, among entries: [Header.Entry], _ index: inout UTF8Index
  ) -> Bool {
    index.insert(name, at: entries.count, name: { entries[$0].name }) == nil
  }

  private static func isNew(
    _ key: String, among pairs: Metadata, _ index: inout UTF8Index
  ) -> Bool {
    index.insert(key, at: pairs.count, name: { pairs[$0].key }) == nil
  }
}

/// The scanner's steps, with its errors as the header's.
extension HeaderReader {
  @_lifetime(self: copy self)
  private mutating func expect(_ byte: Unicode.Scalar) throws(HeaderFault) {
    do { try scanner.expect(byte) } catch { throw .json(error) }
  }

  @_lifetime(self: copy self)
  private mutating func string() throws(HeaderFault) -> String {
    do { return try scanner.string() } catch { throw .json(error) }
  }

  @_lifetime(self: copy self)
  private mutating func skipValue() throws(HeaderFault) {
    // The brackets of the header and of the entry are open.
    do { try scanner.skipValue(maximumDepth: HeaderReader.maximumDepth - 2) } catch {
      throw .json(error)
    }
  }

  /// The fault of finding something else, unless it is that the text ends.
  private func notFound(_ fault: HeaderFault) -> HeaderFault {
    scanner.next == nil ? .json(scanner.expected("a value")) : fault
  }
}

extension RawSpan {
  /// How often a byte occurs.
  fileprivate func count(of byte: UInt8) -> Int {
    unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      var count = 0
      var position = 0
      // The C library looks at 32 bytes at a time.
      while let found = unsafe memchr(start + position, Int32(byte), bytes.count - position) {
        count += 1
        position = unsafe UnsafeRawPointer(found) - start + 1
      }
      return count
    }
  }
}
