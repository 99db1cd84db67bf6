internal import CKernels
internal import CZstd
internal import Checkpoints

/// How zstd does on 1 MiB blocks of normal bfloat16: as they are and in planes, at several levels.
enum LevelTable {
  private static let blockByteCount = 1 << 20
  private static let blockCount = 64

  static func print() {
    let weights = normalWeights(byteCount: blockByteCount * blockCount, seed: 1)
    Swift.print("block of 1 MiB      level   ratio   compress MB/s   decompress MB/s")
    for layout in Layout.allCases {
      let blocks = Blocks(layout.bytes(of: weights), count: blockCount * (layout == .plain ? 1 : 2))
      for level in [-5, 1, 3, 9] { blocks.print(layout.rawValue, level, entropyOnly: false) }
      blocks.print(layout.rawValue, Int(ZSTD_minCLevel()), entropyOnly: true)
    }
  }

  /// What is given to zstd.
  private enum Layout: String, CaseIterable {
    case plain = "plain           "
    case planes = "two planes      "
    case rotated = "rotated, planes "

    /// The bytes of every block, plane by plane.
    func bytes(of weights: [UInt8]) -> [UInt8] {
      if self == .plain { return weights }
      var planes = [UInt8](repeating: 0, count: weights.count)
      for start in stride(from: 0, to: weights.count, by: blockByteCount) {
        unsafe weights.withUnsafeBufferPointer { weights in
          unsafe planes.withUnsafeMutableBufferPointer { planes in
            guard let from = weights.baseAddress, let to = planes.baseAddress else { return }
            unsafe ck_split_planes(
              from + start, to + start, blockByteCount / 2, 2, self == .rotated ? 1 : 0)
          }
        }
      }
      return planes
    }
  }
}

/// Blocks of equal size; each is compressed by itself, and kept as it is when that is not smaller.
private struct Blocks {
  let bytes: [UInt8]
  let count: Int

  init(_ bytes: [UInt8], count: Int) {
    self.bytes = bytes
    self.count = count
  }

  func print(_ name: String, _ level: Int, entropyOnly: Bool) {
    let size = bytes.count / count
    let compressor = unsafe ZSTD_createCCtx()
    let decompressor = unsafe ZSTD_createDCtx()
    defer {
      unsafe ZSTD_freeCCtx(compressor)
      unsafe ZSTD_freeDCtx(decompressor)
    }
    unsafe ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, Int32(level))
    if entropyOnly { unsafe ZSTD_CCtx_setParameter(compressor, ZSTD_c_experimentalParam5, 1) }
    var packed = [[UInt8]](
      repeating: [UInt8](repeating: 0, count: ZSTD_compressBound(size)), count: count)
    var sizes = [Int](repeating: 0, count: count)
    var restored = [UInt8](repeating: 0, count: size)
    let compressing = seconds {
      unsafe bytes.withUnsafeBufferPointer { bytes in
        for index in 0..<count {
          sizes[index] = unsafe ZSTD_compress2(
            compressor, &packed[index], packed[index].count, bytes.baseAddress! + index * size, size
          )
        }
      }
    }
    let decompressing = seconds {
      for index in 0..<count where sizes[index] < size {
        unsafe ZSTD_decompressDCtx(decompressor, &restored, size, packed[index], sizes[index])
      }
    }
    let total = sizes.reduce(0) { $0 + min($1, size) }
    let megabytes = Double(bytes.count) / 1e6
    Swift.print(
      name, entropyOnly ? "huffman" : level < 0 ? "     \(level)" : "      \(level)",
      text(Double(total) / Double(bytes.count), digits: 4, width: 8),
      text(megabytes / compressing, digits: 0, width: 12),
      text(megabytes / decompressing, digits: 0, width: 14))
  }
}
