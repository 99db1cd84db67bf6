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

  /// How many bytes stand before the first place where these bytes are; nil when there is none.
  @inlinable package func utf8Offset(of part: String) -> Int? {
    var rest = utf8[...]
    var offset = 0
    while rest.count >= part.utf8.count {
      if rest.starts(with: part.utf8) { return offset }
      rest.removeFirst()
      offset += 1
    }
    return nil
  }
}
