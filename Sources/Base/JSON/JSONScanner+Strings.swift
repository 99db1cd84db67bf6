/// Strings.
extension JSONScanner {
  /// Reads a string that must follow.
  @_lifetime(self: copy self)
  package mutating func string() throws(JSONError) -> String {
    guard take("\"") else { throw expected("a string") }
    let start = position
    try skipPlainCharacters()
    if next == 0x22 {
      position += 1
      var text = unsafe UTF8Span(unchecked: bytes.extracting(start..<position - 1))
      // What a string knows of itself makes it quick to hash and to compare.
      _ = text.checkForASCII()
      return String(copying: text)
    }
    var text: [UInt8] = []
    var plainStart = start
    while next == 0x5C {
      text.append(contentsOf: plainStart..<position, of: bytes)
      position += 1
      try readEscape(into: &text)
      plainStart = position
      try skipPlainCharacters()
    }
    text.append(contentsOf: plainStart..<position, of: bytes)
    position += 1
    return String(decoding: text, as: UTF8.self)
  }

  /// Passes over a string that must follow.
  @_lifetime(self: copy self)
  mutating func skipString() throws(JSONError) {
    guard take("\"") else { throw expected("a string") }
    try skipPlainCharacters()
    var text: [UInt8] = []
    while next == 0x5C {
      position += 1
      try readEscape(into: &text)
      text.removeAll(keepingCapacity: true)
      try skipPlainCharacters()
    }
    position += 1
  }

  /// Passes over characters that stand for themselves, up to a quote or a backslash.
  @_lifetime(self: copy self)
  private mutating func skipPlainCharacters() throws(JSONError) {
    var position = position
    while position + 8 <= bytes.count, Self.arePlain(bytes.eight(at: position)) { position += 8 }
    while position < bytes.count {
      let byte = bytes[position]
      if byte == 0x22 || byte == 0x5C {
        self.position = position
        return
      }
      if byte < 0x20 { throw JSONError(.controlCharacter, byte: position) }
      position += 1
    }
    throw JSONError(.endsEarly, byte: position)
  }

  /// Whether none of eight bytes is a quote, a backslash or a control character.
  ///
  /// A subtraction sets the highest bit of the lowest byte that is smaller than what is taken from it, and of
  /// no byte where none is, but for bytes above 127, whose highest bit doesn't count.
  private static func arePlain(_ eight: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = eight ^ (ones &* 0x22)
    let backslashes = eight ^ (ones &* 0x5C)
    let below = (eight &- ones &* 0x20) | (quotes &- ones) | (backslashes &- ones)
    return below & ~eight & (ones &* 0x80) == 0
  }

  /// Reads what follows a backslash and appends the character as UTF-8.
  @_lifetime(self: copy self)
  private mutating func readEscape(into text: inout [UInt8]) throws(JSONError) {
    let start = position - 1
    guard let letter = next else { throw JSONError(.endsEarly, byte: position) }
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: String(try escapedScalar(start)).utf8)
    default: throw JSONError(.invalidEscape, byte: start)
    }
  }

  /// Reads the digits of a `\u` escape, and the second escape of a surrogate pair.
  @_lifetime(self: copy self)
  private mutating func escapedScalar(_ start: Int) throws(JSONError) -> Unicode.Scalar {
    let first = try fourDigits(start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, next == 0x5C, position + 1 < bytes.count, bytes[position + 1] == 0x75
    else { throw JSONError(.loneSurrogate, byte: start) }
    position += 2
    let second = try fourDigits(start)
    guard 0xDC00...0xDFFF ~= second,
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw JSONError(.loneSurrogate, byte: start) }
    return scalar
  }

  @_lifetime(self: copy self)
  private mutating func fourDigits(_ start: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next else { throw JSONError(.endsEarly, byte: position) }
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw JSONError(.invalidEscape, byte: start)
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}

extension Span<UInt8> {
  /// Eight bytes as one number.
  fileprivate func eight(at position: Int) -> UInt64 {
    unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
  }
}

extension [UInt8] {
  /// Appends the bytes of a range of a span.
  fileprivate mutating func append(contentsOf range: Range<Int>, of bytes: Span<UInt8>) {
    reserveCapacity(count + range.count)
    for index in range { append(bytes[index]) }
  }
}
