internal import CXXHash
internal import Elements
internal import Files

/// The table that begins a packed stream: how one tensor's bytes were cut into chunks, and how each
/// chunk is coded. `formats/compressed.md` describes the bytes.
public struct PackedTable: Sendable {
  /// How the elements of a chunk became planes of bytes.
  public enum Coding: UInt8, Sendable {
    /// Byte by byte.
    case planes = 0
    /// Byte by byte, after rotating the bits of every element left by one.
    case rotatedPlanes = 1
    /// The difference to the base's elements, zigzagged, byte by byte.
    case difference = 2
    /// The base's bytes; nothing is stored.
    case sameAsBase = 3
  }

  /// How a plane is stored.
  enum Method: UInt32 {
    case raw = 0
    case zstd = 1
    /// One byte, which the whole plane repeats.
    case constant = 2
  }

  /// One plane of a chunk: where in the stream it is stored, and how.
  struct Plane {
    let method: Method
    let range: Range<Int>
  }

  /// What the table says of one chunk.
  struct Chunk {
    var coding: Coding
    var planes: [Plane]
    /// XXH3 of the tensor's bytes.
    var checksum: UInt64
    /// XXH3 of the base's bytes; 0 in a stream that does not use a base.
    var baseChecksum: UInt64
  }

  /// The most bytes of a tensor that one chunk may hold.
  public static let chunkByteLimit = 64 << 20

  /// Bytes of an element as the planes count them: 1, 2, 4 or 8.
  public let elementByteCount: Int
  /// Bytes of the tensor.
  public let byteCount: Int
  /// Bytes of the tensor in every chunk but the last.
  public let chunkByteCount: Int
  /// Whether chunks may refer to a base.
  public let usesBase: Bool

  /// The records, one a chunk.
  private let records: [UInt8]
  /// Where each chunk's planes begin in the stream, and last where the stream ends.
  private let starts: [Int]

  /// Number of chunks.
  public var chunkCount: Int { starts.count - 1 }
  /// How a chunk is coded.
  public func coding(of index: Int) -> Coding { chunk(index).coding }

  /// The bytes of the tensor that a chunk holds.
  func byteRange(of index: Int) -> Range<Int> {
    let start = index * chunkByteCount
    return start..<min(byteCount, start + chunkByteCount)
  }

  /// What the table says of a chunk.
  func chunk(_ index: Int) -> Chunk {
    let size = PackedTable.recordByteCount(elementByteCount, usesBase: usesBase)
    let record = records[index * size..<(index + 1) * size]
    var start = starts[index]
    var planes: [Plane] = []
    for plane in 0..<elementByteCount {
      let word = UInt32(record.littleEndian(4, at: 4 + 4 * plane))
      let count = Int(word & PackedTable.sizeMask)
      // Checked when the table was read.
      planes.append(
        Plane(method: Method(rawValue: word >> 30) ?? .raw, range: start..<start + count))
      start += count
    }
    return Chunk(
      coding: Coding(rawValue: record[record.startIndex]) ?? .planes, planes: planes,
      checksum: record.littleEndian(8, at: 4 + 4 * elementByteCount),
      baseChecksum: usesBase ? record.littleEndian(8, at: 12 + 4 * elementByteCount) : 0)
  }
}

/// The table's bytes.
extension PackedTable {
  static let magic = Array("GLP1".utf8)
  static let headByteCount = 24
  static let checksumByteCount = 8
  static let sizeMask: UInt32 = 1 << 30 - 1

  static func recordByteCount(_ elementByteCount: Int, usesBase: Bool) -> Int {
    4 + 4 * elementByteCount + (usesBase ? 16 : 8)
  }

  /// Bytes of a whole table.
  static func byteCount(chunkCount: Int, elementByteCount: Int, usesBase: Bool) -> Int {
    headByteCount + chunkCount * recordByteCount(elementByteCount, usesBase: usesBase)
      + checksumByteCount
  }

  /// Reads and checks the table of a packed stream: the whole of a tensor of the container.
  ///
  /// Looks at the table only, and allocates no more than a few times its size; whatever the bytes
  /// are, it returns or throws.
  public init(parsing stream: RawSpan) throws(PackedFault) {
    let head = stream.bytes(0..<min(PackedTable.headByteCount, stream.byteCount))
    guard head.count == PackedTable.headByteCount, head[..<4].elementsEqual(PackedTable.magic)
    else { throw .notPacked }
    let elementByteCount = Int(head[4])
    guard [1, 2, 4, 8].contains(elementByteCount), head[5] <= 1, head[6] == 0, head[7] == 0 else {
      throw .unknownLayout
    }
    let usesBase = head[5] == 1
    let chunkByteCount = Int(head.littleEndian(4, at: 16))
    let chunkCount = Int(head.littleEndian(4, at: 20))
    guard let byteCount = Int(exactly: head.littleEndian(8, at: 8)),
      byteCount % elementByteCount == 0, chunkByteCount % 8 == 0,
      8...PackedTable.chunkByteLimit ~= chunkByteCount,
      chunkCount == byteCount / chunkByteCount + (byteCount % chunkByteCount == 0 ? 0 : 1)
    else { throw .impossibleSizes }
    // At most 2^32 chunks of less than 64 bytes each.
    let tableByteCount = PackedTable.byteCount(
      chunkCount: chunkCount, elementByteCount: elementByteCount, usesBase: usesBase)
    guard tableByteCount <= stream.byteCount else {
      throw .truncated(expected: tableByteCount, found: stream.byteCount)
    }
    let checkedByteCount = tableByteCount - PackedTable.checksumByteCount
    let checksum = stream.bytes(checkedByteCount..<tableByteCount).littleEndian(8, at: 0)
    guard checksum == xxh3(stream.extracting(0..<checkedByteCount)) else { throw .tableChecksum }
    self.elementByteCount = elementByteCount
    self.byteCount = byteCount
    self.chunkByteCount = chunkByteCount
    self.usesBase = usesBase
    records = stream.bytes(PackedTable.headByteCount..<checkedByteCount)
    starts = try PackedTable.starts(
      records, elementByteCount: elementByteCount, usesBase: usesBase, from: tableByteCount
    ) { index in
      min(chunkByteCount, byteCount - index * chunkByteCount) / elementByteCount
    }
    guard starts[chunkCount] == stream.byteCount else {
      throw .truncated(expected: starts[chunkCount], found: stream.byteCount)
    }
  }

  /// Checks every record, and adds up where the chunks' planes begin.
  private static func starts(
    _ records: [UInt8], elementByteCount: Int, usesBase: Bool, from start: Int,
    planeByteCount: (Int) -> Int
  ) throws(PackedFault) -> [Int] {
    let size = recordByteCount(elementByteCount, usesBase: usesBase)
    var starts = [start]
    starts.reserveCapacity(records.count / size + 1)
    var end = start
    for index in 0..<records.count / size {
      let record = records[index * size..<(index + 1) * size]
      guard let coding = Coding(rawValue: record[record.startIndex]),
        record.dropFirst().prefix(3).allSatisfy({ $0 == 0 }),
        usesBase || coding == .planes || coding == .rotatedPlanes
      else { throw .impossibleChunk(index) }
      for plane in 0..<elementByteCount {
        let word = UInt32(record.littleEndian(4, at: 4 + 4 * plane))
        let count = Int(word & sizeMask)
        let full = planeByteCount(index)
        let isPossible =
          switch (coding, Method(rawValue: word >> 30)) {
          case (.sameAsBase, .raw): count == 0
          case (.sameAsBase, _), (_, nil): false
          case (_, .raw): count == full
          case (_, .zstd): count > 0 && count < full
          case (_, .constant): count == 1
          }
        guard isPossible else { throw .impossibleChunk(index) }
        // Each is under 2^30, and there are fewer than 2^35.
        end += count
      }
      starts.append(end)
    }
    return starts
  }

  /// The bytes of a table.
  static func encode(
    elementByteCount: Int, byteCount: Int, chunkByteCount: Int, usesBase: Bool, records: [UInt8]
  ) -> [UInt8] {
    let count = records.count / recordByteCount(elementByteCount, usesBase: usesBase)
    var bytes = magic + [UInt8(elementByteCount), usesBase ? 1 : 0, 0, 0]
    bytes.append(littleEndian: UInt64(byteCount), byteCount: 8)
    bytes.append(littleEndian: UInt64(chunkByteCount), byteCount: 4)
    bytes.append(littleEndian: UInt64(count), byteCount: 4)
    bytes += records
    bytes.append(littleEndian: xxh3(bytes), byteCount: 8)
    return bytes
  }

  /// How many bytes an element has as the planes count them, and whether its bits are rotated: so
  /// that an exponent of eight bits is one byte.
  static func elements(of dtype: DType) -> (byteCount: Int, isRotated: Bool) {
    switch dtype {
    case .bool, .f4, .f6E2M3, .f6E3M2, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ,
      .f8E5M2FNUZ:
      (1, false)
    case .i16, .u16: (2, false)
    case .f16, .bf16: (2, true)
    case .i32, .u32: (4, false)
    // Two float32.
    case .f32, .c64: (4, true)
    case .f64: (8, true)
    case .i64, .u64: (8, false)
    }
  }
}
