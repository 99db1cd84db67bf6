import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Casting between floating types")
struct CastingTests {
  /// The cases' expected files were written by PyTorch, and for E4M3 by comfy-kitchen, which clamps
  /// before PyTorch's cast.
  @Test(
    "gives the bytes of PyTorch",
    arguments: [
      "dtype_bf16_to_f32_exact", "dtype_f32_to_bf16_edges", "dtype_f32_to_f16_edges",
      "dtype_bf16_to_f8e4m3_saturate", "dtype_f8e4m3_all_codes_widen",
    ])
  func recorded(name: String) throws {
    let folder = Fixtures.folder.appending("conversions").appending(name)
    let input = try SafetensorsFile(opening: folder.appending("in").appending("x.safetensors"))
    let expected = try SafetensorsFile(opening: folder.appending("exp").appending("y.safetensors"))
    #expect(input.tensors.count == expected.tensors.count)
    for tensor in expected.tensors {
      let found = CastingTests.cast(
        try input.tensor(named: tensor.name).bytes,
        from: try input.tensor(named: tensor.name).dtype,
        to: tensor.dtype)
      // A NaN's other bits are nobody's promise.
      let pairs = zip(
        CastingTests.floats(found, tensor.dtype),
        CastingTests.floats(bytes(of: tensor), tensor.dtype))
      for (found, expected) in pairs {
        #expect(
          found.bitPattern == expected.bitPattern || (found.isNaN && expected.isNaN),
          "\(tensor.name)")
      }
    }
  }

  /// Value of a code, from the definition of the type.
  static func value(_ code: Int, exponentBits: Int, mantissaBits: Int) -> Double {
    let sign = code & 0x80 == 0 ? 1.0 : -1.0
    let exponent = (code & 0x7F) >> mantissaBits
    let mantissa = Double(code & (1 << mantissaBits - 1)) / Double(1 << mantissaBits)
    let bias = 1 << (exponentBits - 1) - 1
    func power(_ exponent: Int) -> Double {
      Double(sign: .plus, exponent: exponent, significand: 1)
    }
    return sign
      * (exponent == 0 ? mantissa * power(1 - bias) : (1 + mantissa) * power(exponent - bias))
  }

  @Test func everyE4M3CodeHasItsValue() {
    let codes = (0..<256).map(UInt8.init)
    for (code, found) in CastingTests.floats(codes, .f8E4M3).enumerated() {
      let expected = CastingTests.value(code, exponentBits: 4, mantissaBits: 3)
      #expect(code & 0x7F == 0x7F ? found.isNaN : Double(found) == expected, "\(code)")
      #expect(found.sign == (code < 128 ? .plus : .minus))
    }
  }

  @Test func everyE5M2CodeHasItsValue() {
    let codes = (0..<256).map(UInt8.init)
    for (code, found) in CastingTests.floats(codes, .f8E5M2).enumerated() {
      let expected = CastingTests.value(code, exponentBits: 5, mantissaBits: 2)
      switch code & 0x7F {
      case 0x7C: #expect(found.isInfinite)
      case 0x7D...: #expect(found.isNaN)
      default: #expect(Double(found) == expected, "\(code)")
      }
      #expect(found.sign == (code < 128 ? .plus : .minus))
    }
  }

  /// Between neighbouring codes: the midpoint goes to the even one, either side of it to the nearer.
  @Test(arguments: [(DType.f8E4M3, 4, 3, 0x7E), (.f8E5M2, 5, 2, 0x7B)])
  func eightBitTypesRoundToNearestEven(
    dtype: DType, exponentBits: Int, mantissaBits: Int, largest: Int
  ) {
    var inputs: [Float] = []
    var expected: [UInt8] = []
    for code in 0..<largest {
      let low = CastingTests.value(code, exponentBits: exponentBits, mantissaBits: mantissaBits)
      let high = CastingTests.value(
        code + 1, exponentBits: exponentBits, mantissaBits: mantissaBits)
      let middle = Float((low + high) / 2)
      inputs += [Float(low), middle.nextDown, middle, middle.nextUp]
      expected += [code, code, code % 2 == 0 ? code : code + 1, code + 1].map(UInt8.init)
    }
    let top = Float(
      CastingTests.value(largest, exponentBits: exponentBits, mantissaBits: mantissaBits))
    inputs += [top, top.nextUp, top * 1.5, .greatestFiniteMagnitude, .infinity, .nan]
    expected += Array(repeating: UInt8(largest), count: 5) + [0x7F]
    #expect(CastingTests.codes(inputs, dtype) == expected)
    #expect(CastingTests.codes(inputs.map { -$0 }, dtype) == expected.map { $0 | 0x80 })
  }

  @Test func doublesAreRoundedOnce() {
    // Just above a tie of the target, by less than float32 can tell: rounding to float32 first
    // would make it the tie, which goes down to the even neighbour.
    let justAbove = 0x1p-40
    let doubles: [Double] = [
      1 + 0x1p-8 + justAbove, -(1 + 0x1p-8 + justAbove), 1 + 0x1p-8, 1e300, 1e-300, 0, .infinity,
    ]
    let found = CastingTests.floats(CastingTests.cast(doubles, to: .bf16), .bf16)
    #expect(found == [1 + 0x1p-7, -(1 + 0x1p-7), 1, .infinity, 0, 0, .infinity])
    let halves = CastingTests.floats(
      CastingTests.cast([1 + 0x1p-11 + justAbove, 65520 - 0x1p-30, 0x1p-25 + 0x1p-70], to: .f16),
      .f16)
    #expect(halves == [1 + 0x1p-10, 65504, 0x1p-24])
    let eighths = CastingTests.floats(
      CastingTests.cast([1.0625 + justAbove, 1.0625], to: .f8E4M3), .f8E4M3)
    #expect(eighths == [1.125, 1])
    #expect(
      CastingTests.floats(CastingTests.cast([1 + 0x1p-24 + justAbove], to: .f32), .f32)
        == [1 + 0x1p-23])
  }

  @Test(
    arguments: [
      (.f16, [65519, 65520, -1e30, 0x1p-25, 0x1.1p-25, 0, .infinity, .nan], 2, 1),
      (.bf16, [3.3e38, Float(bitPattern: 0x7F7F_8000), 0x1p-134, 0x1p-133], 1, 1),
      (.f8E4M3, [448, 464, 465, -1e5, 0x1p-10, 0x1.1p-10], 2, 1),
      (.f8E5M2, [57344, 61439, 61440, 0x1p-17, 0x1.1p-17], 1, 1), (.f64, [1e38, 0x1p-149], 0, 0),
    ] as [(DType, [Float], Int, Int)])
  func lossIsCounted(target: DType, values: [Float], overflow: Int, underflow: Int) {
    var output = [UInt8](repeating: 0, count: values.count * target.bitCount / 8)
    var span = output.mutableSpan
    var raw = unsafe span.mutableBytes
    let loss = unsafe Elements.cast(values.span.bytes, from: .f32, to: target, into: &raw)
    #expect(loss.overflowCount == overflow)
    #expect(loss.underflowCount == underflow)
  }

  @Test func longTensorsAreCastWhole() {
    let values = (0..<10_001).map { Float($0) }
    let doubles = unsafe CastingTests.cast(values.span.bytes, from: .f32, to: .f64)
    let found = unsafe CastingTests.cast(doubles.span.bytes, from: .f64, to: .f32)
    #expect(CastingTests.floats(found, .f32) == values)
  }

  private func bytes(of tensor: TensorView) -> [UInt8] {
    unsafe tensor.bytes.withUnsafeBytes { unsafe Array($0) }
  }

  private static func cast(_ bytes: RawSpan, from source: DType, to target: DType) -> [UInt8] {
    let count = bytes.byteCount * 8 / source.bitCount
    var output = [UInt8](repeating: 0xAA, count: count * target.bitCount / 8)
    var span = output.mutableSpan
    var raw = unsafe span.mutableBytes
    Elements.cast(bytes, from: source, to: target, into: &raw)
    return output
  }

  private static func cast(_ doubles: [Double], to target: DType) -> [UInt8] {
    unsafe cast(doubles.span.bytes, from: .f64, to: target)
  }

  private static func codes(_ values: [Float], _ dtype: DType) -> [UInt8] {
    unsafe cast(values.span.bytes, from: .f32, to: dtype)
  }

  private static func floats(_ bytes: [UInt8], _ dtype: DType) -> [Float] {
    var output = [Float](repeating: 0, count: bytes.count * 8 / dtype.bitCount)
    var span = output.mutableSpan
    unsafe widen(bytes.span.bytes, from: dtype, into: &span)
    return output
  }
}
