internal import Text

/// Whole values.
extension JSONScanner {
  /// Passes over any value.
  ///
  /// - Parameters:
  ///   - maximumDepth: how many brackets may be open at once inside the value.
  ///   - checkingKeys: whether an object may not have a key twice, or a key with a NUL.
  /// - Throws: ``JSONError`` where the text breaks JSON's rules or these.
  @_lifetime(self: copy self)
  package mutating func skipValue(
    maximumDepth: Int, checkingKeys: Bool = false
  ) throws(JSONError) {
    var open: [OpenContainer] = []
    repeat {
      skipSpace()
      if next == 0x7B || next == 0x5B {
        if open.count == maximumDepth {
          throw JSONError(.tooDeep(limit: maximumDepth), byte: position)
        }
        open.append(OpenContainer(isObject: next == 0x7B))
        position += 1
        if try enterFirst(&open, checkingKeys: checkingKeys) { continue }
      } else {
        try skipScalar()
      }
      try closeFinished(&open, checkingKeys: checkingKeys)
    } while !open.isEmpty
  }

  /// After an opening bracket: closes an empty container, else goes to its first value; whether
  /// there is one.
  @_lifetime(self: copy self)
  private mutating func enterFirst(
    _ open: inout [OpenContainer], checkingKeys: Bool
  ) throws(JSONError) -> Bool {
    let last = open.count - 1
    if take(open[last].isObject ? "}" : "]") {
      open.removeLast()
      return false
    }
    if open[last].isObject { try skipKey(of: &open[last], checking: checkingKeys) }
    return true
  }

  /// After a value: closes the containers that end here, or goes to the next value of one.
  @_lifetime(self: copy self)
  private mutating func closeFinished(
    _ open: inout [OpenContainer], checkingKeys: Bool
  ) throws(JSONError) {
    while let last = open.indices.last {
      if take(",") {
        if open[last].isObject { try skipKey(of: &open[last], checking: checkingKeys) }
        return
      }
      let closing: Unicode.Scalar = open[last].isObject ? "}" : "]"
      guard take(closing) else { throw expected("',' or '\(closing)'") }
      open.removeLast()
    }
  }

  @_lifetime(self: copy self)
  private mutating func skipKey(
    of container: inout OpenContainer, checking: Bool
  ) throws(JSONError) {
    skipSpace()
    let start = position
    if checking {
      let key = try string()
      if key.utf8.contains(0) { throw JSONError(.nulInKey, byte: start) }
      if !container.isNew(key) { throw JSONError(.duplicateKey(key), byte: start) }
    } else {
      try skipString()
    }
    try expect(":")
  }

  @_lifetime(self: copy self)
  private mutating func skipScalar() throws(JSONError) {
    switch next {
    case 0x22: try skipString()
    case 0x2D, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39: try skipNumber()
    default:
      guard takeWord("true") || takeWord("false") || takeWord("null") else {
        throw expected("a value")
      }
    }
  }
}

/// An object or array whose end has not been reached.
private struct OpenContainer {
  let isObject: Bool
  private var keys: [String] = []
  private var index = UTF8Index()

  init(isObject: Bool) { self.isObject = isObject }

  /// Notes a key; whether it is the first of its name.
  mutating func isNew(_ key: String) -> Bool {
    guard OpenContainer.isNew(key, among: keys, &index) else { return false }
    keys.append(key)
    return true
  }

  private static func isNew(_ key: String, among keys: [String], _ index: inout UTF8Index) -> Bool {
    index.insert(key, at: keys.count, name: { keys[$0] }) == nil
  }
}
