internal import CKernels
internal import Files

/// One chunk as it is written.
final class EncodedChunk: @unchecked Sendable {
  /// What the table says of it.
  var record: [UInt8] = []
  /// How it is coded.
  var coding = PackedTable.Coding.planes
  /// The stored planes, in the first bytes.
  let memory: Memory
  /// How many bytes the stored planes take.
  var byteCount = 0

  /// Room for a chunk of that many bytes.
  init(chunkByteCount: Int) { memory = Memory(byteCount: chunkByteCount) }

  /// Makes it that of an empty tensor: nothing.
  func clear() {
    record = []
    coding = .planes
    byteCount = 0
  }
}

/// Codes chunks; one thread at a time.
final class ChunkEncoder: @unchecked Sendable {
  /// Where a caller puts the tensor's bytes before it has them encoded.
  let input: Memory
  /// Made with the first base.
  private var difference = Memory(byteCount: 0)
  private let planes: Memory
  private let compressor = PlaneCompressor()

  /// An encoder of chunks up to that size.
  init(chunkByteCount: Int) {
    input = Memory(byteCount: chunkByteCount)
    planes = Memory(byteCount: chunkByteCount)
  }

  /// Codes the first bytes of ``input``.
  ///
  /// - Parameters:
  ///   - byteCount: how many bytes the chunk has; not 0.
  ///   - elementByteCount: bytes of an element.
  ///   - isRotated: whether elements are rotated, where they are not differences.
  ///   - usesBase: whether the stream's records have place for a base's checksum.
  ///   - base: the base's bytes of the same range; nil when it has no such tensor.
  ///   - output: what is written.
  func encode(
    byteCount: Int, elementByteCount: Int, isRotated: Bool, usesBase: Bool, base: RawSpan?,
    into output: EncodedChunk
  ) {
    let count = byteCount / elementByteCount
    var source = unsafe UnsafePointer(input.start)
    output.coding = isRotated ? .rotatedPlanes : .planes
    output.byteCount = 0
    var words = [UInt32](repeating: 0, count: elementByteCount)
    if let base {
      unsafe base.withUnsafeBytes { base in
        guard let base = unsafe base.bytePointer else { return }
        output.coding = unsafe coding(
          against: base, count: count, size: elementByteCount, isRotated: isRotated)
      }
      if output.coding == .difference { unsafe source = UnsafePointer(difference.start) }
    }
    if output.coding != .sameAsBase {
      unsafe ck_split_planes(
        source, planes.start, count, elementByteCount, output.coding == .rotatedPlanes ? 1 : 0)
      for plane in 0..<elementByteCount {
        let bytes = unsafe UnsafeBufferPointer(start: planes.start + plane * count, count: count)
        let stored = unsafe compressor.compress(
          bytes, into: output.memory.start + output.byteCount)
        words[plane] = stored.method.rawValue << 30 | UInt32(stored.byteCount)
        output.byteCount += stored.byteCount
      }
    }
    var record: [UInt8] = [output.coding.rawValue, 0, 0, 0]
    for word in words { record.append(littleEndian: UInt64(word), byteCount: 4) }
    record.append(littleEndian: input.withBytes(byteCount) { xxh3($0) }, byteCount: 8)
    if usesBase {
      var checksum: UInt64 = 0
      if let base { checksum = xxh3(base) }
      record.append(littleEndian: checksum, byteCount: 8)
    }
    output.record = record
  }

  /// How to code a chunk that the base has too; leaves the difference in ``difference``.
  private func coding(
    against base: UnsafePointer<UInt8>, count: Int, size: Int, isRotated: Bool
  ) -> PackedTable.Coding {
    if unsafe isEqual(input.start, base, count * size) { return .sameAsBase }
    if difference.byteCount == 0 { difference = Memory(byteCount: input.byteCount) }
    unsafe ck_zigzag_difference(input.start, base, difference.start, count, size)
    let whole = unsafe estimate(input.start, count: count, size: size, isRotated: isRotated)
    let changed = unsafe estimate(difference.start, count: count, size: size, isRotated: false)
    if changed < whole { return .difference }
    return isRotated ? .rotatedPlanes : .planes
  }

  /// About how many bytes a sample of the elements takes.
  private func estimate(
    _ elements: UnsafePointer<UInt8>, count: Int, size: Int, isRotated: Bool
  ) -> Int {
    let sampleCount = min(count, 2048)
    let pieceCount = sampleCount < 2048 ? 1 : 4
    let piece = sampleCount / pieceCount
    var total = 0
    for index in 0..<pieceCount {
      let first = pieceCount == 1 ? 0 : (count - piece) * index / 3
      unsafe ck_split_planes(
        elements + first * size, planes.start, piece, size, isRotated ? 1 : 0)
      for plane in 0..<size {
        total += unsafe PlaneCompressor.byteCountByEntropy(
          UnsafeBufferPointer(start: planes.start + plane * piece, count: piece))
      }
    }
    return total
  }
}
