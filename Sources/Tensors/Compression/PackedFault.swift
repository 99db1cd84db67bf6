internal import Files

/// What is wrong with a packed stream or with one of its chunks.
public enum PackedFault: Error, Equatable {
  /// The bytes don't begin as a packed stream does.
  case notPacked
  /// A version or an option that this program doesn't know.
  case unknownLayout
  /// Sizes that contradict each other or go over the limits.
  case impossibleSizes
  /// The stream has another size than its table says.
  case truncated(expected: Int, found: Int)
  /// The table fails its checksum.
  case tableChecksum
  /// A chunk's record makes no sense.
  case impossibleChunk(Int)
  /// The table is that of another tensor.
  case otherTensor(expected: Int, found: Int)
  /// A plane of a chunk isn't what zstd writes, or has another size.
  case malformedPlane(chunk: Int, plane: Int)
  /// A chunk's bytes fail their checksum.
  case checksum(chunk: Int)
  /// The base has other bytes than the one that the difference was made from.
  case otherBase(chunk: Int, expected: UInt64, found: UInt64)
}

extension PackedFault: CustomStringConvertible {
  /// What is wrong.
  public var description: String {
    switch self {
    case .notPacked: "not a packed stream"
    case .unknownLayout: "a packed stream of a kind that this version doesn't know"
    case .impossibleSizes: "the packed stream's sizes contradict each other"
    case .truncated(let expected, let found):
      "the packed stream has \(found) bytes, expected \(expected)"
    case .tableChecksum: "the packed stream's table fails its checksum"
    case .impossibleChunk(let chunk): "chunk \(chunk): its record makes no sense"
    case .otherTensor(let expected, let found):
      "the packed stream restores \(found) bytes, expected \(expected) from dtype and shape"
    case .malformedPlane(let chunk, let plane):
      "chunk \(chunk): plane \(plane) can't be decompressed"
    case .checksum(let chunk): "chunk \(chunk): its bytes fail their checksum"
    case .otherBase(let chunk, let expected, let found):
      "chunk \(chunk): the base's bytes have checksum \(hexadecimal(found)), expected "
        + "\(hexadecimal(expected)) as in the base that this delta was made from"
    }
  }
}

/// Sixteen hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
