internal import CKernels
internal import Concurrency
internal import Synchronization
internal import Tensors

/// How often each code of an element of 8 or 16 bits occurs. Everything else follows from that
/// exactly, and counting is faster than arithmetic on every element.
struct CodeCounts: Sendable {
  /// The count of each code.
  let counts: [Int]
  private let codeWidth: Int

  /// Counts the codes of a parameter.
  ///
  /// - Parameters:
  ///   - weight: whose elements.
  ///   - codeWidth: bytes of an element, 1 or 2.
  /// - Throws: what making the bytes throws.
  init(of weight: StoredWeight, codeWidth: Int) throws {
    let codes = codeWidth == 1 ? 256 : 65536
    let tableCount = codeWidth == 1 ? 8 : 2
    let totals = Mutex([Int](repeating: 0, count: codes))
    // Sums of integers don't depend on their order. Portions are large: each costs a table.
    let portions = weight.portions(ofElements: 1 << 22)
    try Parallel.forEachThrowing(portions.count, work: weight.elementCount) {
      index throws(any Error) in
      let table = try portions[index].withStoredBytes { bytes in
        Self.table(bytes, codeWidth: codeWidth, entryCount: codes * tableCount)
      }
      totals.withLock { totals in
        for (index, count) in table.enumerated() { totals[index & (codes - 1)] += Int(count) }
      }
    }
    counts = totals.withLock { $0 }
    self.codeWidth = codeWidth
  }

  /// The counts of a portion, in several tables side by side.
  private static func table(_ bytes: RawSpan, codeWidth: Int, entryCount: Int) -> [UInt32] {
    var table = [UInt32](repeating: 0, count: entryCount)
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      if codeWidth == 1 {
        unsafe ck_count_u8(start.assumingMemoryBound(to: UInt8.self), buffer.count, &table)
      } else {
        unsafe ck_count_u16(start.assumingMemoryBound(to: UInt16.self), buffer.count / 2, &table)
      }
    }
    return table
  }

  /// The statistics of the numbers that the codes stand for.
  func statistics(_ decoding: NumberDecoding) throws -> TensorStatistics {
    let numbers = try numbers(decoding)
    var summary = NumberSummary()
    var sum = 0.0
    for (number, count) in zip(numbers, counts) where count > 0 {
      if number.isNaN {
        summary.nanCount += count
      } else if number.isInfinite {
        summary.infinityCount += count
      } else {
        summary.finiteCount += count
        summary.minimum = min(summary.minimum, number)
        summary.maximum = max(summary.maximum, number)
        sum += number * Double(count)
        if number == 0 {
          summary.zeroCount += count
        } else if abs(number) < TensorStatistics.smallLimit {
          summary.smallCount += count
        }
      }
    }
    var histogram = [Int](repeating: 0, count: TensorStatistics.binCount)
    let range = HistogramRange(summary)
    if summary.finiteCount > 0 { summary.mean = sum / Double(summary.finiteCount) }
    for (number, count) in zip(numbers, counts) where count > 0 && number.isFinite {
      let distance = number - summary.mean
      summary.squaredDistances += distance * distance * Double(count)
      histogram[range.bin(of: number)] += count
    }
    return TensorStatistics(summary, histogram: histogram)
  }

  /// The number of every code.
  private func numbers(_ decoding: NumberDecoding) throws -> [Double] {
    let size = codeWidth
    let bytes = (0..<counts.count).flatMap { code in
      size == 1 ? [UInt8(code)] : [UInt8(code & 255), UInt8(code >> 8)]
    }
    return unsafe try decoding.numbers(bytes.span.bytes, from: 0, count: counts.count)
  }
}
