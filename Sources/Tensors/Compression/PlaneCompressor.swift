internal import CKernels
internal import CZstd

/// Compresses single planes; one thread at a time.
///
/// A plane of exponents has no structure but that some bytes are frequent: looking for matches makes
/// it slower and larger. So most planes are only entropy coded, and matches are looked for where a
/// sample gets clearly smaller with them.
@safe final class PlaneCompressor: @unchecked Sendable {
  private let context: OpaquePointer
  /// Pieces of a plane, one behind the other, and what they become.
  private let sample = Memory(byteCount: 8192)
  private let compressedSample = Memory(byteCount: 16384)

  /// A compressor with zstd's working memory.
  init() {
    guard let context = unsafe ZSTD_createCCtx() else { preconditionFailure("out of memory") }
    unsafe self.context = context
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Stores a plane in the way that takes the fewest bytes, or nearly.
  ///
  /// - Parameters:
  ///   - plane: the bytes.
  ///   - output: where they go; room for all of them.
  /// - Returns: how they are stored, and how many bytes that takes.
  func compress(
    _ plane: UnsafeBufferPointer<UInt8>, into output: UnsafeMutablePointer<UInt8>
  ) -> (method: PackedTable.Method, byteCount: Int) {
    guard let start = plane.baseAddress, !plane.isEmpty else { return (.raw, 0) }
    if unsafe ck_is_constant(start, plane.count) != 0 {
      unsafe output.pointee = start.pointee
      return (.constant, 1)
    }
    // Less is not worth the time that reading then takes.
    let limit = plane.count - plane.count / 64 - 1
    if let search = unsafe search(plane), limit > 0 {
      let found = unsafe run(search, plane, into: output, limit: limit)
      if let found { return (.zstd, found) }
    }
    unsafe output.update(from: start, count: plane.count)
    return (.raw, plane.count)
  }

  /// Whether a compressor looks for matches.
  enum Search {
    case none
    case fast
  }

  /// How many bytes zstd makes of these; nil when they are more than the limit.
  func run(
    _ search: Search, _ plane: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutablePointer<UInt8>, limit: Int
  ) -> Int? {
    unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
    switch search {
    case .fast: unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
    case .none:
      // The lowest level steps over whole blocks, and would then leave out the entropy coding too:
      // the parameter is literalCompressionMode, 1 for always.
      let isForced = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_experimentalParam5, 1)
      // The library may be built without it.
      let level = ZSTD_isError(isForced) == 0 ? ZSTD_minCLevel() : 1
      unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    }
    let found = unsafe ZSTD_compress2(context, output, limit, plane.baseAddress, plane.count)
    return ZSTD_isError(found) == 0 ? found : nil
  }

  /// Which search suits a plane; nil when it won't get smaller.
  private func search(_ plane: UnsafeBufferPointer<UInt8>) -> Search? {
    let sample = unsafe sample(of: plane)
    let entropy = unsafe PlaneCompressor.byteCountByEntropy(sample)
    let matched =
      unsafe run(.fast, sample, into: compressedSample.start, limit: sample.count) ?? sample.count
    if matched * 10 < entropy * 9 { return .fast }
    return entropy * 64 < sample.count * 63 ? Search.none : nil
  }

  /// Four pieces of a plane, evenly spread; the plane itself when it is small.
  private func sample(of plane: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    guard plane.count > sample.byteCount, let start = plane.baseAddress else {
      return unsafe plane
    }
    let piece = sample.byteCount / 4
    for index in 0..<4 {
      let from = unsafe start + (plane.count - piece) * index / 3
      unsafe (sample.start + index * piece).update(from: from, count: piece)
    }
    return unsafe UnsafeBufferPointer(start: sample.start, count: sample.byteCount)
  }

  /// About how many bytes the bytes take when each is coded by itself: no less than a bit each.
  static func byteCountByEntropy(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    var counts = [UInt32](repeating: 0, count: 256)
    unsafe ck_count_bytes(start, bytes.count, &counts)
    let bits = counts.reduce(0) { $0 + bitCount($1, of: bytes.count) }
    return max(bits, bytes.count) / 8
  }
}
