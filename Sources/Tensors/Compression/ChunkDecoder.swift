internal import CKernels
internal import CZstd
internal import Files

/// Restores chunks; one thread at a time.
@safe final class ChunkDecoder: @unchecked Sendable {
  private let context: OpaquePointer
  /// Decompressed planes of the largest chunk so far.
  private var planes = Memory(byteCount: 0)

  /// A decoder with zstd's working memory.
  init() {
    guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    unsafe self.context = context
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  /// Restores one chunk and checks its checksum.
  ///
  /// - Parameters:
  ///   - index: which chunk of the table.
  ///   - table: of the stream.
  ///   - stream: the whole packed stream.
  ///   - base: the base's bytes of the same range; for a chunk that doesn't refer to it, nil.
  ///   - output: the tensor's bytes, as many as ``PackedTable/byteRange(of:)`` says.
  /// - Throws: ``PackedFault`` when the chunk is damaged or the base another.
  func decode(
    _ index: Int, of table: PackedTable, stream: RawSpan, base: RawSpan?,
    into output: inout MutableRawSpan
  ) throws(PackedFault) {
    let chunk = table.chunk(index)
    if chunk.coding == .difference || chunk.coding == .sameAsBase {
      guard let base else { throw .impossibleChunk(index) }
      let expected = chunk.coding == .sameAsBase ? chunk.checksum : chunk.baseChecksum
      let found = xxh3(base)
      guard found == expected else {
        throw .otherBase(chunk: index, expected: expected, found: found)
      }
    }
    if chunk.coding == .sameAsBase, let base { return copy(base, into: &output) }
    try join(chunk, index, table, stream: stream, into: &output)
    if chunk.coding == .difference, let base {
      unsafe output.withUnsafeMutableBytes { output in
        unsafe base.withUnsafeBytes { base in
          guard let to = unsafe output.bytePointer, let from = unsafe base.bytePointer else {
            return
          }
          unsafe ck_zigzag_sum(
            to, from, to, output.count / table.elementByteCount, table.elementByteCount)
        }
      }
    }
    let found = unsafe output.withUnsafeMutableBytes { unsafe xxh3(RawSpan(_unsafeBytes: $0)) }
    guard found == chunk.checksum else { throw .checksum(chunk: index) }
  }

  /// Brings a chunk's planes together; planes that are stored raw are read where they are.
  private func join(
    _ chunk: PackedTable.Chunk, _ index: Int, _ table: PackedTable, stream: RawSpan,
    into output: inout MutableRawSpan
  ) throws(PackedFault) {
    let size = table.elementByteCount
    let count = output.byteCount / size
    if planes.byteCount < output.byteCount { planes = Memory(byteCount: output.byteCount) }
    unsafe try stream.withUnsafeBytes { stream throws(PackedFault) in
      guard let stream = unsafe stream.bytePointer else { return }
      var starts: [UnsafePointer<UInt8>] = unsafe []
      for (position, plane) in chunk.planes.enumerated() {
        let stored = unsafe stream + plane.range.lowerBound
        let place = unsafe planes.start + position * count
        switch plane.method {
        case .raw: unsafe starts.append(stored)
        case .constant:
          unsafe place.update(repeating: stored.pointee, count: count)
          unsafe starts.append(UnsafePointer(place))
        case .zstd:
          // The whole plane is the window, and nothing can come after it.
          let found = unsafe ZSTD_decompressDCtx(context, place, count, stored, plane.range.count)
          guard found == count else { throw .malformedPlane(chunk: index, plane: position) }
          unsafe starts.append(UnsafePointer(place))
        }
      }
      unsafe output.withUnsafeMutableBytes { output in
        guard let output = unsafe output.bytePointer else { return }
        unsafe ck_join_planes(
          starts, output, count, size, chunk.coding == .rotatedPlanes ? 1 : 0)
      }
    }
  }
}

/// Copies bytes over others of the same count.
func copy(_ bytes: RawSpan, into output: inout MutableRawSpan) {
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
  }
}

extension UnsafeRawBufferPointer {
  var bytePointer: UnsafePointer<UInt8>? {
    unsafe baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  var bytePointer: UnsafeMutablePointer<UInt8>? {
    unsafe baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}
