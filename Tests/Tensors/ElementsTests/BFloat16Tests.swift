import Elements
import Testing

@Suite("bfloat16")
struct BFloat16Tests {
  @Test(
    "rounds to nearest even",
    arguments: [
      (1, 0x3f80),
      (Float(bitPattern: 0x3f80_8000), 0x3f80),  // tie, even below
      (Float(bitPattern: 0x3f81_8000), 0x3f82),  // tie, even above
      (.infinity, 0x7f80),
    ] as [(Float, UInt16)])
  func rounding(value: Float, expected: UInt16) {
    #expect(BFloat16(value).bitPattern == expected)
  }
}
