internal import Text

/// Reads JSON token by token, in UTF-8 bytes, without recursion.
///
/// For documents where json-c is not exact enough: it compares no keys, ends them at a NUL and
/// rounds integers. Only the structures that a caller asks for are built.
package struct JSONScanner: ~Escapable {
  /// The document; valid UTF-8.
  let bytes: Span<UInt8>
  /// The next byte to read.
  package internal(set) var position = 0

  /// A scanner at the start of a text; throws when the text isn't UTF-8.
  @_lifetime(copy text)
  package init(_ text: RawSpan) throws(JSONError) {
    bytes = Span(_bytes: text)
    do { _ = try UTF8Span(validating: bytes) } catch {
      throw JSONError(.invalidUTF8, byte: error.byteOffsets.lowerBound)
    }
  }

  /// The next byte, or nil at the end.
  package var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// The error of finding something else, or the end.
  package func expected(_ what: String) -> JSONError {
    JSONError(position < bytes.count ? .expected(what) : .endsEarly, byte: position)
  }

  /// Passes over white space.
  @_lifetime(self: copy self)
  package mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  /// Passes over white space and, if it follows, a byte; whether it did.
  @_lifetime(self: copy self)
  package mutating func take(_ byte: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  /// Passes over white space and a byte that must follow.
  @_lifetime(self: copy self)
  package mutating func expect(_ byte: Unicode.Scalar) throws(JSONError) {
    if !take(byte) { throw expected("'\(byte)'") }
  }

  /// Passes over white space up to the end, where nothing else may follow.
  @_lifetime(self: copy self)
  package mutating func expectEnd() throws(JSONError) {
    skipSpace()
    if position < bytes.count { throw JSONError(.trailingText, byte: position) }
  }

  /// Reads a word without quotes, such as `null`, if it follows; whether it did.
  @_lifetime(self: copy self)
  package mutating func takeWord(_ word: StaticString) -> Bool {
    skipSpace()
    let wanted = unsafe Span(_unsafeStart: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes.hold(wanted, at: position) else { return false }
    position += wanted.count
    return true
  }
}

/// Numbers.
extension JSONScanner {
  /// Reads an integer that is not negative, exactly: no sign, point or exponent.
  @_lifetime(self: copy self)
  package mutating func count() throws(JSONError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let digit = next.map({ $0 &- 0x30 }), digit < 10 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(digit))
      if overflow || carry { throw JSONError(.numberOutOfRange, byte: start) }
      value = sum
      position += 1
    }
    let hasLeadingZero = position - start > 1 && bytes[start] == 0x30
    switch next {
    case 0x2E, 0x45, 0x65: throw JSONError(.expected("an integer"), byte: start)
    default: break
    }
    if position == start || hasLeadingZero {
      position = start
      throw expected("an integer that is not negative")
    }
    return value
  }

  /// Passes over a number: its form and, as far as a double reaches, its size are checked.
  @_lifetime(self: copy self)
  mutating func skipNumber() throws(JSONError) {
    let start = position
    if next == 0x2D { position += 1 }
    if next == 0x30 { position += 1 } else { try skipDigits() }
    if next == 0x2E {
      position += 1
      try skipDigits()
    }
    if next == 0x45 || next == 0x65 {
      position += 1
      if next == 0x2B || next == 0x2D { position += 1 }
      try skipDigits()
    }
    let text = String(copying: unsafe UTF8Span(unchecked: bytes.extracting(start..<position)))
    guard let value = Double(text), value.isFinite else {
      throw JSONError(.numberOutOfRange, byte: start)
    }
  }

  @_lifetime(self: copy self)
  private mutating func skipDigits() throws(JSONError) {
    let start = position
    while let byte = next, 0x30...0x39 ~= byte { position += 1 }
    if position == start { throw expected("a digit") }
  }
}
