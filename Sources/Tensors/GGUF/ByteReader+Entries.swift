internal import Elements

/// The entries of a header.
extension ByteReader {
  /// A key or a tensor's name: UTF-8, and not too long.
  @_lifetime(self: copy self)
  mutating func name(_ what: String, limit: Int) throws(GGUFFault) -> String {
    let range = try textRange()
    guard range.count <= limit else {
      throw .unexpected(
        place: place, expected: "at most \(limit)", found: "\(what) of \(range.count) bytes")
    }
    guard let name = text(range) else {
      throw .unexpected(place: place, expected: "UTF-8", found: "\(what) that isn't UTF-8")
    }
    return name
  }

  /// The kind of a value.
  @_lifetime(self: copy self)
  mutating func valueKind() throws(GGUFFault) -> GGUFValueKind {
    let number = try integer(UInt32.self)
    guard let kind = GGUFValueKind(rawValue: number) else {
      throw .unexpected(place: place, expected: "0 to 12", found: "a value of type \(number)")
    }
    return kind
  }

  /// A value of a kind.
  @_lifetime(self: copy self)
  mutating func value(of kind: GGUFValueKind) throws(GGUFFault) -> GGUFValue {
    switch kind {
    case .uint8: .uint8(try integer())
    case .int8: .int8(try integer())
    case .uint16: .uint16(try integer())
    case .int16: .int16(try integer())
    case .uint32: .uint32(try integer())
    case .int32: .int32(try integer())
    case .uint64: .uint64(try integer())
    case .int64: .int64(try integer())
    case .float32: .float32(Float(bitPattern: try integer()))
    case .float64: .float64(Double(bitPattern: try integer()))
    case .bool: .bool(try bool())
    case .string: .string(repairedText(try textRange()))
    case .array: .array(try array())
    }
  }

  @_lifetime(self: copy self)
  private mutating func bool() throws(GGUFFault) -> Bool {
    let byte = try integer(UInt8.self)
    guard byte <= 1 else {
      throw .unexpected(place: place, expected: "0 or 1", found: "a truth value of \(byte)")
    }
    return byte == 1
  }

  @_lifetime(self: copy self)
  private mutating func array() throws(GGUFFault) -> GGUFArray {
    let kind = try valueKind()
    guard kind != .array else {
      throw .unexpected(place: place, expected: "an array of scalars", found: "arrays in an array")
    }
    let count = try count(of: "elements of an array", leastByteCount: kind.leastByteCount)
    var kept: [GGUFValue] = []
    for _ in 0..<min(count, GGUFArray.keptLimit) { kept.append(try value(of: kind)) }
    try skip(count - kept.count, of: kind)
    return GGUFArray(kind: kind, count: count, kept: kept)
  }

  /// Passes over elements of an array, checking what can be wrong with them.
  @_lifetime(self: copy self)
  private mutating func skip(_ count: Int, of kind: GGUFValueKind) throws(GGUFFault) {
    switch kind {
    case .string: for _ in 0..<count { _ = try textRange() }
    case .bool: for _ in 0..<count { _ = try bool() }
    // The count was compared with the file's size, so the product is smaller.
    default: _ = try take(count * kind.leastByteCount)
    }
  }

  /// A tensor's entry after its name; where its bytes begin, counted from the start of the data, and
  /// how many they are.
  @_lifetime(self: copy self)
  mutating func entry(
    named name: String
  ) throws(GGUFFault) -> (entry: GGUFEntry, offset: Int, byteCount: Int) {
    let shape = try shape()
    let number = try integer(UInt32.self)
    guard let type = GGUFType(rawValue: number) else {
      throw .unexpected(
        place: place, expected: "a type of ggml's that is still used", found: "type \(number)")
    }
    let offset = try integer(UInt64.self)
    guard let offset = Int(exactly: offset) else {
      throw .unexpected(place: place, expected: "less than 2^63", found: "offset \(offset)")
    }
    let byteCount: Int
    do { byteCount = try type.byteCount(shape: shape) } catch {
      throw .unexpected(
        place: place,
        expected: "whole blocks of \(type.blockElements) (\(type.name)) that a file can hold",
        found: error.found)
    }
    return (GGUFEntry(name: name, type: type, shape: shape), offset, byteCount)
  }

  /// The sizes of a tensor, outermost first; the file has them the other way round.
  @_lifetime(self: copy self)
  private mutating func shape() throws(GGUFFault) -> [Int] {
    let axisCount = try integer(UInt32.self)
    guard axisCount <= GGUFHeader.axisLimit else {
      throw .unexpected(
        place: place, expected: "at most \(GGUFHeader.axisLimit)", found: "\(axisCount) axes")
    }
    var shape: [Int] = []
    for _ in 0..<axisCount {
      let size = try integer(UInt64.self)
      guard let size = Int(exactly: size) else {
        throw .unexpected(place: place, expected: "less than 2^63", found: "a size of \(size)")
      }
      shape.append(size)
    }
    return shape.reversed()
  }
}
