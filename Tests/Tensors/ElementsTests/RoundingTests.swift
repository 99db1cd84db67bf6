import CKernels
import Elements
import Testing

@Suite("Rounding at random and with feedback")
struct RoundingTests {
  static let types: [DType] = [.bf16, .f16, .f8E4M3, .f8E5M2]

  /// Every finite number of a type, in order: all its codes widened, which other tests hold against
  /// the types' definitions.
  private func grid(_ dtype: DType) -> [Float] {
    let codes =
      dtype.bitCount == 8
      ? (0...255).map { UInt8($0) }
      : (0...65535).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    return Set(floats(codes, dtype).filter(\.isFinite)).sorted()
  }

  private func floats(_ bytes: [UInt8], _ dtype: DType) -> [Float] {
    var values = [Float](repeating: 0, count: bytes.count * 8 / dtype.bitCount)
    var span = values.mutableSpan
    unsafe widen(bytes.span.bytes, from: dtype, into: &span)
    return values
  }

  private func narrowed(
    _ values: [Float], _ dtype: DType,
    _ body: (Span<Float>, inout MutableRawSpan) -> Void
  ) -> [UInt8] {
    var output = [UInt8](repeating: 0xAA, count: values.count * dtype.bitCount / 8)
    var span = output.mutableSpan
    var raw = unsafe span.mutableBytes
    body(values.span, &raw)
    return output
  }

  private func atRandom(
    _ values: [Float], _ dtype: DType, seed: UInt64 = 1, first: Int = 0
  ) -> [UInt8] {
    let stream = RandomStream(seed: seed, purpose: .rounding, step: 77)
    return narrowed(values, dtype) {
      narrowAtRandom($0, to: dtype, stream, first: first, into: &$1)
    }
  }

  private func withFeedback(_ values: [Float], _ dtype: DType, first: Int = 0) -> [UInt8] {
    narrowed(values, dtype) { narrowWithFeedback($0, to: dtype, first: first, into: &$1) }
  }

  private func nearest(_ values: [Float], _ dtype: DType) -> [UInt8] {
    narrowed(values, dtype) { narrow($0, to: dtype, into: &$1) }
  }

  /// Numbers of every size that a type has, subnormal ones among them.
  private func samples(_ dtype: DType, count: Int = 40_001) -> [Float] {
    let lowest: Float = dtype == .bf16 ? -20 : dtype == .f16 ? -26 : dtype == .f8E4M3 ? -10 : -17
    return RandomStream(seed: 3, purpose: .test).normals(count: count).enumerated().map {
      let exponent = Int(lowest) + $0 % 18
      return $1 * Float(sign: .plus, exponent: exponent, significand: 1)
    }
  }

  @Test("the kernel's random words are those of the stream")
  func words() {
    let stream = RandomStream(seed: 0xFEDC_BA98_7654_3210, purpose: .rounding, step: 0xDEAD_BEEF)
    for first in [0, 1, 0xFFFF_FFFE, 0x1_0000_0000, 1 << 40] as [UInt64] {
      var found = [UInt32](repeating: 0, count: 4 * 9)
      unsafe found.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress {
          unsafe ck_random_words(0xFEDC_BA98_7654_3210, 8, 0xDEAD_BEEF, first, base, 9)
        }
      }
      for block in 0..<9 {
        let words = stream.words(at: first + UInt64(block))
        #expect(Array(found[4 * block..<4 * block + 4]) == [words.x, words.y, words.z, words.w])
      }
    }
  }

  @Test("goes to one of the two neighbours, on average to the number itself", arguments: types)
  func neighbours(dtype: DType) {
    let values = samples(dtype)
    let found = floats(atRandom(values, dtype), dtype)
    let grid = grid(dtype)
    var sum = 0.0
    var variance = 0.0
    var upper = 0
    for (value, rounded) in zip(values, found) {
      // The last of the grid that is not above.
      var low = 0
      var high = grid.count - 1
      while high - low > 1 {
        let middle = (low + high) / 2
        if grid[middle] <= value { low = middle } else { high = middle }
      }
      let (below, above) = (Double(grid[low]), Double(grid[high]))
      if Double(value) == below || value > grid[high] { continue }
      #expect(rounded == grid[low] || rounded == grid[high], "\(value)")
      let chance = (Double(value) - below) / (above - below)
      let wentUp = rounded == grid[high]
      upper += wentUp ? 1 : 0
      sum += (wentUp ? 1 : 0) - chance
      variance += chance * (1 - chance)
    }
    #expect(abs(sum) < 4 * variance.squareRoot())
    #expect(upper > values.count / 4 && upper < values.count * 3 / 4)
  }

  @Test("repeats for a seed, differs for others, and doesn't depend on portions", arguments: types)
  func seeds(dtype: DType) {
    let values = samples(dtype, count: 10_003)
    let whole = atRandom(values, dtype)
    #expect(whole == atRandom(values, dtype))
    #expect(whole != atRandom(values, dtype, seed: 2))
    for cut in [1, 2, 3, 4, 4095, 4097, 8192] {
      let parts =
        atRandom(Array(values[..<cut]), dtype) + atRandom(Array(values[cut...]), dtype, first: cut)
      #expect(parts == whole, "\(cut)")
    }
  }

  @Test("keeps what the type has, and stays in its range", arguments: types)
  func edges(dtype: DType) {
    let grid = grid(dtype)
    let exact = floats(atRandom(grid, dtype), dtype)
    #expect(zip(exact, grid).allSatisfy { $0 == $1 })
    let largest = grid.last ?? 0
    let values: [Float] = [largest.nextUp, .greatestFiniteMagnitude, .infinity, 0, 0x1p-149]
    let signs = floats(atRandom(values + values.map { -$0 }, dtype), dtype)
    #expect(signs[0] == largest && signs[1] == largest && signs[2] == largest)
    #expect(signs[5] == -largest && signs[6] == -largest && signs[7] == -largest)
    #expect(signs[3].sign == .plus && signs[8].sign == .minus && signs[8] == 0)
    #expect(signs[4].sign == .plus && signs[9].sign == .minus)
    #expect(floats(atRandom([.nan, -.nan], dtype), dtype).allSatisfy { $0.isNaN })
  }

  @Test("with feedback is the loop of one element after the other", arguments: types)
  func feedback(dtype: DType) {
    for count in [1, 1023, 1024, 1025, 5000] {
      var values = samples(dtype, count: count)
      if count > 40 { values[40] = .greatestFiniteMagnitude }
      if count > 50 { values[50] = .infinity }
      var expected: [Float] = []
      var error: Float = 0
      for (position, value) in values.enumerated() {
        if position % feedbackRunLength == 0 { error = 0 }
        let wanted = value + error
        let stored = floats(nearest([wanted], dtype), dtype)[0]
        expected.append(stored)
        error = abs(wanted - stored) <= abs(wanted) ? wanted - stored : 0
      }
      let found = floats(withFeedback(values, dtype), dtype)
      #expect(
        zip(found, expected).allSatisfy { $0.bitPattern == $1.bitPattern }, "\(count)")
    }
  }

  @Test("with feedback doesn't depend on portions, and keeps sums better", arguments: types)
  func sums(dtype: DType) {
    let values = RandomStream(seed: 4, purpose: .test).normals(count: 16_384)
    let whole = withFeedback(values, dtype)
    let parts =
      withFeedback(Array(values[..<2048]), dtype)
      + withFeedback(Array(values[2048...]), dtype, first: 2048)
    #expect(parts == whole)
    func error(_ bytes: [UInt8]) -> Double {
      let found = floats(bytes, dtype)
      return stride(from: 0, to: values.count, by: 256).reduce(0) { sum, start in
        let lost = (start..<start + 256).reduce(0.0) { $0 + Double(values[$1]) - Double(found[$1]) }
        return sum + lost * lost
      }
    }
    // Of 256 independent errors the sum grows like 16 of them; with feedback it stays like one.
    #expect(error(whole) * 20 < error(nearest(values, dtype)))
  }
}
