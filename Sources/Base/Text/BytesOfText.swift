/// Names from files, compared and cut by their bytes: Swift's `==` would let a composed and a
/// decomposed letter stand for one name, where no other program does. Inlinable, since they are generic and
/// called for every name of a file.
extension StringProtocol {
  /// Whether both have the same bytes.
  @inlinable package func sameBytes(as other: some StringProtocol) -> Bool {
    utf8.elementsEqual(other.utf8)
  }

  /// Whether the bytes begin with these.
  @inlinable package func utf8HasPrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// Whether the bytes end with these.
  @inlinable package func utf8HasSuffix(_ suffix: String) -> Bool {
    utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  /// The text behind a prefix; nil when it begins otherwise.
  @inlinable package func droppingPrefix(_ prefix: String) -> String? {
    guard utf8HasPrefix(prefix) else { return nil }
    return String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }

  /// The text before a suffix; nil when it ends otherwise.
  @inlinable package func droppingSuffix(_ suffix: String) -> String? {
    guard utf8HasSuffix(suffix) else { return nil }
    return String(decoding: utf8.dropLast(suffix.utf8.count), as: UTF8.self)
  }
}

extension String {
  /// Whether both have the same bytes.
  @inlinable package func sameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.span.hold(other.utf8.span, at: 0)
  }

  /// Whether the bytes begin with these.
  @inlinable package func utf8HasPrefix(_ prefix: String) -> Bool {
    utf8.span.hold(prefix.utf8.span, at: 0)
  }

  /// Whether the bytes end with these.
  @inlinable package func utf8HasSuffix(_ suffix: String) -> Bool {
    utf8.span.hold(suffix.utf8.span, at: utf8.count - suffix.utf8.count)
  }

  /// How many bytes stand before the first place where these bytes are; nil when there is none.
  @inlinable package func utf8Offset(of part: String) -> Int? {
    let (bytes, wanted) = (utf8.span, part.utf8.span)
    var offset = 0
    while offset + wanted.count <= bytes.count {
      if bytes.hold(wanted, at: offset) { return offset }
      offset += 1
    }
    return nil
  }
}

extension String {
  /// What stands before and behind a place for something, such as `{n}`: the whole and nil for a text
  /// without the place. A place that stands twice is our mistake: the formats have one at most.
  package func parts(around place: String) -> (head: String, tail: String?) {
    guard let offset = utf8Offset(of: place) else { return (self, nil) }
    let tail = String(decoding: utf8.dropFirst(offset + place.utf8.count), as: UTF8.self)
    precondition(tail.utf8Offset(of: place) == nil, "'\(self)': '\(place)' stands twice")
    return (String(decoding: utf8.prefix(offset), as: UTF8.self), tail)
  }
}

extension Span<UInt8> {
  /// Whether other bytes stand at a place; false where they would reach beyond the ends.
  @inlinable package func hold(_ other: Span<UInt8>, at start: Int) -> Bool {
    guard start >= 0, other.count <= count - start else { return false }
    let (own, others) = unsafe (bytes, other.bytes)
    var position = 0
    // Names are compared again and again: eight bytes at a time, then the rest.
    while position + 8 <= others.byteCount {
      let left = unsafe own.unsafeLoadUnaligned(fromByteOffset: start + position, as: UInt64.self)
      let right = unsafe others.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
      if left != right { return false }
      position += 8
    }
    while position < other.count {
      if self[start + position] != other[position] { return false }
      position += 1
    }
    return true
  }
}
