import Elements
import Testing

@Suite("Storing numbers in eight bits, measured")
struct MeasuredNarrowingTests {
  /// A type by its definition: values of its codes from 0 to the largest number, and its limits.
  private struct Definition {
    let values: [Double]
    let overflow: Double
    let underflow: Double

    init(_ dtype: DType) {
      let bits = dtype == .f8E4M3 ? (exponent: 4, mantissa: 3) : (exponent: 5, mantissa: 2)
      let largest = dtype == .f8E4M3 ? 0x7E : 0x7B
      values = (0...largest).map {
        CastingTests.value($0, exponentBits: bits.exponent, mantissaBits: bits.mantissa)
      }
      let step = values[largest] - values[largest - 1]
      overflow = values[largest] + step / 2
      underflow = values[1] / 2
    }

    /// The nearest code, of two the even one; by bisection.
    func code(_ magnitude: Double) -> Int {
      var low = 0
      var high = values.count - 1
      if magnitude >= values[high] { return high }
      while high - low > 1 {
        let middle = (low + high) / 2
        if values[middle] <= magnitude { low = middle } else { high = middle }
      }
      let (below, above) = (magnitude - values[low], values[high] - magnitude)
      return below < above || (below == above && low % 2 == 0) ? low : high
    }
  }

  /// Every number of bfloat16 but the last three, so that the last block is no whole one.
  private static let codes = (0..<65533).map { UInt16($0) }

  @Test(
    "every bfloat16 becomes the nearest code, and what that does is measured",
    arguments: [DType.bf16, .f32], [DType.f8E4M3, .f8E5M2])
  func everyNumber(source: DType, target: DType) throws {
    for factor: Float in [1, 0.37, 1024] {
      let found = try Self.narrowed(from: source, to: target, times: factor)
      let definition = Definition(target)
      var lanes = [[Double]](repeating: [0, 0], count: 8)
      var (over, under) = (0, 0)
      for (index, code) in Self.codes.enumerated() {
        let number = Float(bitPattern: UInt32(code) << 16) * factor
        let magnitude = Double(number.magnitude)
        let sign: UInt8 = code & 0x8000 == 0 ? 0 : 0x80
        guard !number.isNaN else {
          #expect(found.codes[index] == sign | 0x7F)
          continue
        }
        let expected = definition.code(magnitude)
        #expect(found.codes[index] == sign | UInt8(expected), "\(number)")
        // A tie at the top of E4M3 goes to its largest number, one at the top of E5M2 beyond it.
        over +=
          magnitude > definition.overflow
            || (magnitude == definition.overflow && target == .f8E5M2) ? 1 : 0
        under += number != 0 && magnitude <= definition.underflow ? 1 : 0
        let difference = definition.values[expected] - magnitude
        guard (difference * difference).isFinite else { continue }
        // The order of sums is part of what is promised: eight, one number each in turn, then the rest.
        let lane = index < Self.codes.count / 8 * 8 ? index % 8 : 0
        lanes[lane][0] += difference * difference
        lanes[lane][1] += magnitude * magnitude
      }
      #expect(found.loss.overflowCount == over)
      #expect(found.loss.underflowCount == under)
      #expect(found.error.differenceSquares == lanes.reduce(0) { $0 + $1[0] })
      #expect(found.error.squares == lanes.reduce(0) { $0 + $1[1] })
    }
  }

  private static func narrowed(
    from source: DType, to target: DType, times factor: Float
  ) throws -> (codes: [UInt8], loss: CastLoss, error: StoringError) {
    // One byte ahead of the numbers, so that they are not aligned.
    let input: [UInt8] =
      [0xAA]
      + codes.flatMap { code in
        let bytes = [UInt8(code & 0xFF), UInt8(code >> 8)]
        return source == .bf16 ? bytes : [0, 0] + bytes
      }
    var output = [UInt8](repeating: 0xAA, count: codes.count)
    var span = output.mutableSpan
    var raw = unsafe span.mutableBytes
    let bytes = unsafe input.span.bytes
    let measure = narrowMeasuring(
      bytes.extracting(1..<input.count), from: source, times: factor, to: target, into: &raw)
    let found = try #require(measure)
    return (output, found.loss, found.error)
  }

  @Test("other types take several passes, and nothing is written", arguments: [DType.f16, .f64])
  func others(source: DType) {
    let input = [UInt8](repeating: 1, count: source.bitCount / 8)
    var output: [UInt8] = [0xAA]
    var span = output.mutableSpan
    var raw = unsafe span.mutableBytes
    let measure = unsafe narrowMeasuring(
      input.span.bytes, from: source, times: 1, to: .f8E4M3, into: &raw)
    #expect(measure?.loss == nil)
    #expect(output == [0xAA])
  }

  @Test("the largest magnitude is that of the finite numbers", arguments: [DType.bf16, .f32])
  func largest(dtype: DType) {
    // 3, -5.5, -infinity, NaN, 0 and the smallest number, as the upper halves of float32.
    let halves: [UInt16] = [0x4040, 0xC0B0, 0xFF80, 0x7FC0, 0, 1]
    func found(_ halves: [UInt16], _ type: DType) -> Float? {
      let bytes = halves.flatMap {
        (dtype == .bf16 ? [] : [0, 0]) + [UInt8($0 & 0xFF), UInt8($0 >> 8)]
      }
      return unsafe largestMagnitude(bytes.span.bytes, from: type)
    }
    #expect(found(halves, dtype) == 5.5)
    #expect(found([0xFF80, 0x7FC0], dtype) == 0)
    #expect(found([], dtype) == 0)
    #expect(found(halves, .f16) == nil)
  }
}
