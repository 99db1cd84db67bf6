import Elements
import Files
import Inspection
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Statistics of a tensor")
struct StatisticsTests {
  /// Numbers that are exact in a type: 7919 i modulo `modulus`, less `offset`, over `divisor`.
  private func numbers(modulus: Int, offset: Int, divisor: Double, count: Int = 200_000) -> [Double]
  {
    (0..<count).map { Double($0 * 7919 % modulus - offset) / divisor }
  }

  private func tensor(_ numbers: [Double], _ dtype: DType) -> TensorView {
    var bytes = [UInt8](repeating: 0, count: numbers.count * dtype.bitCount / 8)
    if dtype.isWidenable {
      let floats = numbers.map(Float.init)
      unsafe bytes.withUnsafeMutableBytes { buffer in
        var output = unsafe MutableRawSpan(_unsafeBytes: buffer)
        narrow(floats.span, to: dtype, into: &output)
      }
    } else {
      let size = dtype.bitCount / 8
      for (index, number) in numbers.enumerated() {
        let integer = Int64(number)
        for byte in 0..<size {
          bytes[index * size + byte] = UInt8(truncatingIfNeeded: integer >> (8 * byte))
        }
      }
    }
    return unsafe TensorView(
      name: "t", dtype: dtype, shape: [numbers.count], copying: bytes.span.bytes)
  }

  /// What numpy 1.24 says of the same numbers: min, max, mean, std, and histogram(x, 16)[0].
  @Test(
    "agree with numpy's",
    arguments: [
      (.f32, 2001, 1000, 256, 3.90625, 5.6953125e-05, 2.2563832014837875, 100, 600, 12493, 12594),
      (.f16, 2001, 1000, 256, 3.90625, 5.6953125e-05, 2.2563832014837875, 100, 600, 12493, 12594),
      (.f64, 2001, 1000, 256, 3.90625, 5.6953125e-05, 2.2563832014837875, 100, 600, 12493, 12594),
      (.bf16, 257, 128, 64, 2, -2.3359375e-05, 1.1592046721206954, 778, 0, 12452, 13229),
      (.f8E4M3, 31, 15, 64, 0.234375, 7.8125e-08, 0.13975457614235132, 6451, 0, 12903, 12903),
      (.i32, 2001, 1000, 1, 1000, 0.01458, 577.6340995798496, 100, 0, 12493, 12594),
      (.i16, 2001, 1000, 1, 1000, 0.01458, 577.6340995798496, 100, 0, 12493, 12594),
    ] as [(DType, Int, Int, Double, Double, Double, Double, Int, Int, Int, Int)])
  func recorded(
    dtype: DType, modulus: Int, offset: Int, divisor: Double, limit: Double, mean: Double,
    deviation: Double, zeros: Int, small: Int, first: Int, last: Int
  ) throws {
    let numbers = numbers(modulus: modulus, offset: offset, divisor: divisor)
    let found = try #require(try TensorStatistics(of: StoredWeight(tensor(numbers, dtype))))
    #expect(found.elementCount == 200_000 && found.finiteCount == 200_000)
    #expect(found.minimum == -limit && found.maximum == limit && found.absoluteMaximum == limit)
    // Sums of 200,000 numbers in double precision.
    #expect(abs((found.mean ?? .nan) - mean) < 1e-13 * limit)
    #expect(abs((found.standardDeviation ?? .nan) / deviation - 1) < 1e-12)
    #expect(found.zeroCount == zeros && found.smallCount == small)
    #expect(found.nanCount == 0 && found.infinityCount == 0)
    #expect(found.histogram.first == first && found.histogram.last == last)
    #expect(found.histogram.reduce(0, +) == 200_000)
  }

  @Test func numbersThatAreNotFiniteAreCountedOnly() throws {
    let view = TensorView(
      name: "t", shape: [8], [1, -2, .nan, 0, .infinity, 0.01, 3, -.infinity])
    let found = try #require(try TensorStatistics(of: StoredWeight(view)))
    #expect(found.nanCount == 1 && found.infinityCount == 2 && found.finiteCount == 5)
    #expect(found.zeroCount == 1 && found.smallCount == 1)
    #expect(found.minimum == -2 && found.maximum == 3)
    // (1 - 2 + 0 + 0.01 + 3) / 5, of float32's 0.01.
    #expect(abs((found.mean ?? 0) - 0.402) < 1e-9)
    #expect(abs((found.standardDeviation ?? 0) - 1.6243201654846253) < 1e-9)
    #expect(found.histogram == [1, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 1])
    #expect(found.share(found.zeroCount) == 0.125)
  }

  @Test func aLargeMeanDoesNotSpoilTheDeviation() throws {
    let numbers = (0..<1000).map { 1e6 + Float($0 % 7) * 0.25 }
    let found = try #require(
      try TensorStatistics(of: StoredWeight(TensorView(name: "t", shape: [1000], numbers))))
    #expect(abs((found.mean ?? 0) / 1000000.74925 - 1) < 1e-15)
    #expect(abs((found.standardDeviation ?? 0) / 0.49968683943045766 - 1) < 1e-12)
  }

  @Test func nothingIsKnownOfNoNumbers() throws {
    let empty = try #require(
      try TensorStatistics(of: StoredWeight(TensorView(name: "t", shape: [0], []))))
    #expect(empty.minimum == nil && empty.mean == nil && empty.elementCount == 0)
    #expect(empty.histogram == [Int](repeating: 0, count: 16))
    let nan = try #require(
      try TensorStatistics(of: StoredWeight(TensorView(name: "t", shape: [1], [.nan]))))
    #expect(nan.standardDeviation == nil && nan.nanCount == 1)
    let equal = try #require(
      try TensorStatistics(of: StoredWeight(TensorView(name: "t", shape: [2], [3, 3]))))
    #expect(equal.standardDeviation == 0 && equal.histogram[0] == 2)
  }

  @Test func theLargestNumbersDoNotOverflowTheHistogram() throws {
    let limit = Double.greatestFiniteMagnitude
    let values = [-limit, 0, limit]
    let view = unsafe TensorView(
      name: "t", dtype: .f64, shape: [3], copying: values.span.bytes)
    let found = try #require(try TensorStatistics(of: StoredWeight(view)))
    #expect(found.histogram[0] == 1 && found.histogram[8] == 1 && found.histogram[15] == 1)
  }

  @Test(
    "leaves types alone that aren't numbers of eight bits or more", arguments: [DType.f4, .c64])
  func unreadTypes(dtype: DType) throws {
    let bytes = [UInt8](repeating: 0, count: 16)
    let count = 128 / dtype.bitCount
    let view = unsafe TensorView(
      name: "t", dtype: dtype, shape: [count], copying: bytes.span.bytes)
    #expect(try TensorStatistics(of: StoredWeight(view)) == nil)
  }

  @Test("are the same with any number of threads and from bytes that are made on demand")
  func threadsAndContents() throws {
    // More than one portion each; codes of 16 bits are counted in larger ones.
    for (dtype, count) in [(DType.f32, 1_300_000), (.bf16, 4_300_000), (.i64, 1_300_000)] {
      let view = tensor(
        numbers(modulus: 50_021, offset: 25_000, divisor: 1, count: count), dtype)
      let found = try atWidths([1, 2]) { try TensorStatistics(of: StoredWeight(view)) }
      let alone = found[0]
      #expect(alone == found[1] && alone != nil)
      let made = TensorView(
        name: "t", dtype: dtype, shape: view.shape, content: CopiedContent(view))
      #expect(try TensorStatistics(of: StoredWeight(made)) == alone)
    }
  }
}

/// Bytes of another tensor, copied when they are asked for.
struct CopiedContent: TensorContent {
  let file: FilePath = "made.safetensors"
  private let view: TensorView

  init(_ view: TensorView) { self.view = view }

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    let bytes = view.bytes.extracting(range)
    for position in 0..<bytes.byteCount {
      output.storeBytes(
        of: unsafe bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self),
        toByteOffset: position, as: UInt8.self)
    }
  }
}
