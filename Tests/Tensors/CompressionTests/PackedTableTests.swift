import Compression
import Testing

@Suite("The table of a packed stream")
struct PackedTableTests {
  private func parse(_ bytes: [UInt8]) throws(PackedFault) -> PackedTable {
    unsafe try PackedTable(parsing: bytes.span.bytes)
  }

  /// Written by hand from `formats/compressed.md`: no chunks; the checksum is `xxhsum -H3` of the
  /// first 24 bytes.
  private let empty: [UInt8] =
    Array("GLP1".utf8) + [2, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 16, 0, 0, 0, 0, 0]

  @Test func sizesAreComparedBeforeAnythingIsAllocated() {
    for (places, fault) in [
      ([8: 1], .impossibleSizes),  // odd bytes of two-byte elements
      ([8: 2], .impossibleSizes),  // bytes and no chunk
      ([20: 1], .impossibleSizes),  // a chunk and no bytes
      ([16: 1], .impossibleSizes),  // chunks that are no multiple of eight
      ([18: 0], .impossibleSizes),  // chunks of nothing
      ([19: 255], .impossibleSizes),  // chunks over the limit
      ([4: 3], .unknownLayout), ([5: 2], .unknownLayout), ([7: 1], .unknownLayout),
      ([0: 0], .notPacked),
      // 2^62 bytes in 2^42 chunks, of which 32 bits are left.
      ([15: 0x40], .impossibleSizes),
      ([15: 0x80], .impossibleSizes),
      // 4 PiB in 2^32 - 1 chunks of 1 MiB.
      (
        [
          8: 0, 10: 0xF0, 11: 0xFF, 12: 0xFF, 13: 0xFF, 14: 0x0F, 20: 255, 21: 255, 22: 255,
          23: 255,
        ],
        .truncated(expected: 85_899_345_932, found: 32)
      ),
      ([:], .tableChecksum),
    ] as [([Int: UInt8], PackedFault)] {
      var bytes = empty + [0, 0, 0, 0, 0, 0, 0, 0]
      for (place, byte) in places { bytes[place] = byte }
      #expect(throws: fault) { try parse(bytes) }
    }
  }

  @Test func anyBytesAreReadOrRefused() {
    var random = SplitMix(state: 1)
    for _ in 0..<20_000 {
      var bytes = empty + (0..<Int.random(in: 0...80, using: &random)).map { _ in 0 }
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        bytes[Int.random(in: 4..<bytes.count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      }
      let cut = Int.random(in: 0...bytes.count, using: &random)
      _ = try? parse(Array(bytes[..<cut]))
    }
  }
}
