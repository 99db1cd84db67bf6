/// A value of a GGUF file's metadata.
///
/// Source: ggml-org/ggml, `docs/gguf.md`, `gguf_metadata_value_type`.
public enum GGUFValue: Sendable, Equatable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  /// A text. What wasn't UTF-8 in a file was replaced by U+FFFD.
  case string(String)
  indirect case array(GGUFArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  /// The kind of the value.
  public var kind: GGUFValueKind {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  /// The text of a string, else nil.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// An integer of any width that is an `Int`, else nil.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    default: nil
    }
  }
}

/// The kinds of values; the raw values are those of the file.
public enum GGUFValueKind: UInt32, Sendable, CaseIterable {
  case uint8 = 0
  case int8 = 1
  case uint16 = 2
  case int16 = 3
  case uint32 = 4
  case int32 = 5
  case float32 = 6
  case bool = 7
  case string = 8
  case array = 9
  case uint64 = 10
  case int64 = 11
  case float64 = 12

  /// The fewest bytes that a value takes.
  var leastByteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .string: 8
    case .array: 12
    }
  }
}

/// An array of a GGUF file's metadata: all its elements, or, of a long one that was read, the first.
public struct GGUFArray: Sendable, Equatable {
  /// How many elements of an array are kept on reading: those of the vocabularies of language models
  /// would take more memory than the rest of a header.
  public static let keptLimit = 1024

  /// The kind of every element; not an array again.
  public let kind: GGUFValueKind
  /// How many elements the array has.
  public let count: Int
  /// The elements, at least the first ``keptLimit``.
  public let elements: [GGUFValue]

  /// An array with these elements, all of one kind.
  public init(kind: GGUFValueKind, _ elements: [GGUFValue]) {
    precondition(
      kind != .array && elements.allSatisfy { $0.kind == kind }, "all elements are of one kind")
    self.init(kind: kind, count: elements.count, kept: elements)
  }

  init(kind: GGUFValueKind, count: Int, kept: [GGUFValue]) {
    self.kind = kind
    self.count = count
    elements = kept
  }

  /// Whether every element is there.
  public var isComplete: Bool { elements.count == count }
}

extension GGUFValue: CustomStringConvertible {
  /// The value as a text; of a long array the first elements and how many more there are.
  public var description: String {
    switch self {
    case .uint8(let value): "\(value)"
    case .int8(let value): "\(value)"
    case .uint16(let value): "\(value)"
    case .int16(let value): "\(value)"
    case .uint32(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .float32(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .string(let value): value
    case .array(let value): value.description
    case .uint64(let value): "\(value)"
    case .int64(let value): "\(value)"
    case .float64(let value): "\(value)"
    }
  }
}

extension GGUFArray: CustomStringConvertible {
  /// The elements between brackets; of a long array the first, and how many more there are.
  public var description: String {
    let shown = elements.prefix(16).map(\.description).joined(separator: ", ")
    return count <= 16 ? "[\(shown)]" : "[\(shown), … \(count - 16) more]"
  }
}
