internal import CKernels
public import Elements
public import Tensors

extension TensorStatistics {
  /// Reads a tensor and finds out what its numbers are like; the same to the last bit with any number
  /// of threads.
  ///
  /// Nil for a type whose elements aren't read: complex numbers and those of fewer than eight bits.
  /// The data is read in portions; a tensor of 32 or 64 bits an element is read twice, the second
  /// time for the histogram.
  ///
  /// - Parameters:
  ///   - tensor: of floating or integer type; integers beyond 2^53 are rounded.
  ///   - progress: is told the tensor's bytes as they are done.
  /// - Throws: ``SafetensorsError`` when the bytes can't be made.
  public init?(of tensor: TensorView, progress: ReadingProgress? = nil) throws {
    guard let decoding = NumberDecoding(tensor.dtype) else { return nil }
    defer { progress?.add(tensor.byteCount) }
    if let width = decoding.codeWidth, tensor.elementCount >= 65536 {
      let counts = try CodeCounts(of: tensor, codeWidth: width)
      self = counts.statistics(decoding)
      return
    }
    var summary = NumberSummary()
    for part in try Portions.map(tensor, elementCount: portionSize, decoding.summary) {
      summary.add(part)
    }
    let range = HistogramRange(summary)
    var histogram = [Int](repeating: 0, count: Self.binCount)
    let parts = try Portions.map(tensor, elementCount: portionSize) {
      decoding.histogram($0, range)
    }
    for part in parts {
      for bin in histogram.indices { histogram[bin] += part[bin] }
    }
    self.init(summary, histogram: histogram)
  }
}

/// Elements that one thread takes at a time.
private let portionSize = 1 << 20
/// Elements that are widened at a time: what the first cache holds.
private let blockSize = 1 << 14

/// How the elements of a type become numbers.
struct NumberDecoding: Sendable {
  let dtype: DType

  /// Nil for a type that isn't read.
  init?(_ dtype: DType) {
    switch dtype {
    case .f4, .f6E2M3, .f6E3M2, .f8E4M3FNUZ, .f8E5M2FNUZ, .c64: return nil
    default: self.dtype = dtype
    }
  }

  /// Bytes of an element whose codes are few enough to count each; nil for wider ones.
  var codeWidth: Int? {
    switch dtype {
    case .f16, .bf16, .i16, .u16: 2
    case .f8E4M3, .f8E5M2, .f8E8M0, .i8, .u8, .bool: 1
    default: nil
    }
  }

  /// Whether float32 holds every number exactly.
  var isSingle: Bool { dtype.isWidenable && dtype != .f64 }

  /// The summary of a portion.
  func summary(_ bytes: RawSpan) -> NumberSummary {
    var summary = NumberSummary()
    forEachBlock(bytes) { singles in
      summary.add(Self.summary(singles))
    } doubles: { doubles in
      summary.add(Self.summary(doubles))
    }
    return summary
  }

  /// How many numbers of a portion lie in each bin.
  func histogram(_ bytes: RawSpan, _ range: HistogramRange) -> [Int] {
    var counts = [UInt64](repeating: 0, count: TensorStatistics.binCount)
    forEachBlock(bytes) { block in
      unsafe block.withUnsafeBufferPointer { numbers in
        guard let start = numbers.baseAddress else { return }
        unsafe ck_histogram_f32(start, numbers.count, range.minimum, range.scale, &counts)
      }
    } doubles: { block in
      unsafe block.withUnsafeBufferPointer { numbers in
        guard let start = numbers.baseAddress else { return }
        unsafe ck_histogram_f64(start, numbers.count, range.minimum, range.scale, &counts)
      }
    }
    return counts.map { Int($0) }
  }

  /// Every number of a block, for a type with ``isSingle``.
  func floats(_ bytes: RawSpan) -> [Float] {
    unsafe [Float](unsafeUninitializedCapacity: bytes.byteCount * 8 / dtype.bitCount) {
      buffer, count in
      unsafe buffer.initialize(repeating: 0)
      var span = unsafe MutableSpan(_unsafeElements: buffer)
      widen(bytes, from: dtype, into: &span)
      count = buffer.count
    }
  }

  /// Every number of a block.
  func numbers(_ bytes: RawSpan) -> [Double] {
    var numbers: [Double] = []
    forEachBlock(bytes) { block in
      for index in block.indices { numbers.append(Double(block[index])) }
    } doubles: { block in
      for index in block.indices { numbers.append(block[index]) }
    }
    return numbers
  }

  /// Widens block after block to float32, or to float64 where that is needed to be exact.
  private func forEachBlock(
    _ bytes: RawSpan, _ singles: (Span<Float>) -> Void, doubles: (Span<Double>) -> Void
  ) {
    let size = dtype.bitCount / 8
    let count = bytes.byteCount / size
    var floats = [Float](repeating: 0, count: isSingle ? min(count, blockSize) : 0)
    var wide = [Double](repeating: 0, count: isSingle ? 0 : min(count, blockSize))
    for start in stride(from: 0, to: count, by: blockSize) {
      let length = min(blockSize, count - start)
      let block = bytes.extracting(start * size..<(start + length) * size)
      if isSingle {
        var whole = floats.mutableSpan
        var output = whole._mutatingExtracting(0..<length)
        widen(block, from: dtype, into: &output)
        singles(output.span)
      } else {
        for index in 0..<length { wide[index] = number(block, index) }
        doubles(wide.span.extracting(first: length))
      }
    }
  }

  /// One element of a type that isn't widened to float32.
  private func number(_ bytes: RawSpan, _ index: Int) -> Double {
    unsafe bytes.withUnsafeBytes { buffer in
      switch dtype {
      case .f64: unsafe buffer.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
      case .i64: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
      case .u64: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
      case .i32: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
      case .u32: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
      case .i16: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
      case .u16: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
      case .i8: unsafe Double(Int8(bitPattern: buffer[index]))
      case .f8E8M0: unsafe powerOfTwo(buffer[index])
      default: unsafe Double(buffer[index])
      }
    }
  }

  private static func summary(_ block: Span<Float>) -> NumberSummary {
    var shift = 0.0
    for index in block.indices where block[index].isFinite {
      shift = Double(block[index])
      break
    }
    var summary = ck_summary()
    unsafe block.withUnsafeBufferPointer { numbers in
      guard let start = numbers.baseAddress else { return }
      unsafe ck_summarize_f32(
        start, numbers.count, shift, TensorStatistics.smallLimit, &summary)
    }
    return NumberSummary(summary, shift: shift)
  }

  private static func summary(_ block: Span<Double>) -> NumberSummary {
    var shift = 0.0
    for index in block.indices where block[index].isFinite {
      shift = block[index]
      break
    }
    var summary = ck_summary()
    unsafe block.withUnsafeBufferPointer { numbers in
      guard let start = numbers.baseAddress else { return }
      unsafe ck_summarize_f64(
        start, numbers.count, shift, TensorStatistics.smallLimit, &summary)
    }
    return NumberSummary(summary, shift: shift)
  }
}

/// A scale of E8M0: 2^(code - 127), the last code is NaN.
///
/// **Source:** OCP Microscaling Formats (MX) 1.0, section 5.4.1.
private func powerOfTwo(_ code: UInt8) -> Double {
  code == 255 ? .nan : Double(sign: .plus, exponent: Int(code) - 127, significand: 1)
}

extension NumberSummary {
  /// What a kernel found in a block; distances there are from `shift`.
  fileprivate init(_ block: ck_summary, shift: Double) {
    finiteCount = Int(block.finite)
    zeroCount = Int(block.zeros)
    nanCount = Int(block.nans)
    infinityCount = Int(block.infinities)
    smallCount = Int(block.small)
    guard block.finite > 0 else { return }
    minimum = block.least
    maximum = block.greatest
    let count = Double(block.finite)
    mean = shift + block.sum / count
    squaredDistances = max(0, block.squares - block.sum * (block.sum / count))
  }
}
