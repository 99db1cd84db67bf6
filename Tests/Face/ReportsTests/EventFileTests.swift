import Reports
import Testing

@Suite("An event file")
struct EventFileTests {
  /// RFC 3720, appendix B.4, and the check value of CRC-32/ISCSI.
  @Test(
    "has checksums of Castagnoli's polynomial",
    arguments: [
      (Array(repeating: 0, count: 32), 0x8A91_36AA),
      (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E), ((0..<32).reversed(), 0x113F_DB5C),
      (Array("123456789".utf8), 0xE306_9283), ([], 0),
    ] as [([UInt8], UInt32)])
  func checksums(bytes: [UInt8], expected: UInt32) {
    #expect(crc32c(bytes) == expected)
  }

  /// The bytes are those of TensorBoard 2.21's `RecordWriter` for the same events, serialised by protobuf.
  @Test("has the bytes that TensorBoard's own writer writes")
  func bytes() {
    var file = EventFile(time: 1_700_000_000.25)
    file.add(
      step: 300, time: 1_700_000_001.5, [("loss", 0.25), ("fixed_noise_loss/981.0", -1.5)])
    let hexadecimal = file.bytes.map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    #expect(
      hexadecimal == """
        1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e457665\
        6e743a32338d2fe93a000000000000001295eae20900006040fc54d94110ac02\
        2a2c0a0b0a046c6f7373150000803e0a1d0a1666697865645f6e6f6973655f6c\
        6f73732f3938312e30150000c0bf1e0a8b68
        """)
  }
}
