internal import CKernels
internal import Elements
internal import Tensors

/// Elements that are widened at a time: what the first cache holds.
private let blockSize = 1 << 14

/// What the numbers of some elements are like, block by block.
extension TensorPiece {
  /// The summary of all; empty for elements that aren't read.
  func summary() throws -> NumberSummary {
    var summary = NumberSummary()
    try forEachBlock { singles in
      summary.add(NumberSummary(of: singles))
    } doubles: { doubles in
      summary.add(NumberSummary(of: doubles))
    }
    return summary
  }

  /// How many numbers lie in each bin.
  func histogram(_ range: HistogramRange) throws -> [Int] {
    var counts = [UInt64](repeating: 0, count: TensorStatistics.binCount)
    try forEachBlock { block in
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

  /// Runs the bodies over block after block of float32, or of float64 where that is needed to be exact.
  private func forEachBlock(
    _ singles: (Span<Float>) -> Void, doubles: (Span<Double>) -> Void
  ) throws {
    guard let decoding else { return }
    let count = elements.count
    try withStoredBytes { bytes in
      var floats = [Float](repeating: 0, count: decoding.isSingle ? min(count, blockSize) : 0)
      for start in stride(from: 0, to: count, by: blockSize) {
        let length = min(blockSize, count - start)
        let block = bytes.extracting(decoding.encoding.byteRange(of: start..<start + length))
        if decoding.isSingle {
          try decoding.widen(block, from: start, count: length, into: &floats)
          singles(floats.span.extracting(0..<length))
        } else {
          let numbers = try decoding.numbers(block, from: start, count: length)
          doubles(numbers.span)
        }
      }
    }
  }
}

extension NumberSummary {
  fileprivate init(of block: Span<Float>) {
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
    self.init(summary, shift: shift)
  }

  fileprivate init(of block: Span<Double>) {
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
    self.init(summary, shift: shift)
  }

  /// What a kernel found in a block; distances there are from `shift`.
  private init(_ block: ck_summary, shift: Double) {
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
