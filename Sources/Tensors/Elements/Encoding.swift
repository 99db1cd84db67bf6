/// How a file stores the elements of a tensor: each by itself, or in blocks along a row.
public enum Encoding: Sendable, Hashable {
  /// Elements of a dtype, one after the other.
  case elements(DType)
  /// Blocks of several elements.
  case blocks(BlockType)

  /// The name that files and people use: `BF16`, `Q4_K`.
  public var name: String {
    switch self {
    case .elements(let dtype): dtype.rawValue
    case .blocks(let type): type.name
    }
  }

  /// How many elements can only be had together: those of a block, or those that fill whole bytes.
  public var groupLength: Int {
    switch self {
    case .elements(let dtype): dtype.groupLength
    case .blocks(let type): type.elementCount
    }
  }

  /// Bytes that so many elements take; they are whole groups.
  public func byteCount(elements: Int) -> Int {
    switch self {
    case .elements(let dtype): dtype.byteCount(elements: elements)
    case .blocks(let type): elements / type.elementCount * type.byteCount
    }
  }

  /// Where the bytes of some elements are; the range begins and ends with a group.
  public func byteRange(of elements: Range<Int>) -> Range<Int> {
    byteCount(elements: elements.lowerBound)..<byteCount(elements: elements.upperBound)
  }

  /// Whether the elements can be had as float32 numbers.
  public var isWidenable: Bool {
    switch self {
    case .elements(let dtype): dtype.isWidenable
    case .blocks(let type): type.isDecodable
    }
  }
}

extension DType {
  /// How many elements fill whole bytes together: 1, but for types of less than a byte.
  public var groupLength: Int { bitCount % 8 == 0 ? 1 : bitCount % 4 == 0 ? 2 : 4 }

  /// Bytes that so many elements take; they are whole groups.
  public func byteCount(elements: Int) -> Int { elements * bitCount / 8 }

  /// Where the bytes of some elements are; the range begins and ends with a group.
  public func byteRange(of elements: Range<Int>) -> Range<Int> {
    byteCount(elements: elements.lowerBound)..<byteCount(elements: elements.upperBound)
  }

  /// Elements that so many bytes hold.
  public func elementCount(bytes: Int) -> Int { bytes * 8 / bitCount }
}
