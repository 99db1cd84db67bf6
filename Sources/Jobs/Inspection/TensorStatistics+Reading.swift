internal import Concurrency
public import Tensors

extension TensorStatistics {
  /// Reads a parameter and finds out what its numbers are like; the same to the last bit with any number
  /// of threads.
  ///
  /// Nil for a type whose elements aren't read: complex numbers and those of fewer than eight bits.
  /// The data is read in portions. Codes of up to 16 bits are counted, each with its number, where one
  /// factor or none belongs to all; anything else is read twice, the second time for the histogram.
  ///
  /// - Parameters:
  ///   - weight: the numbers; integers beyond 2^53 are rounded.
  ///   - progress: is told the bytes as they are done.
  /// - Throws: when bytes can't be made.
  public init?(of weight: StoredWeight, progress: ReadingProgress? = nil) throws {
    guard let decodings = weight.decodings else { return nil }
    defer { progress?.add(weight.byteCount) }
    if decodings.count == 1, let width = decodings[0].codeWidth, weight.elementCount >= 65536 {
      self = try CodeCounts(of: weight, codeWidth: width).statistics(decodings[0])
      return
    }
    let portions = weight.portions(ofElements: portionSize)
    var summary = NumberSummary()
    let summaries = try Parallel.map(portions.count, work: weight.elementCount) { index in
      try portions[index].summary()
    }
    for part in summaries { summary.add(part) }
    let range = HistogramRange(summary)
    var histogram = [Int](repeating: 0, count: Self.binCount)
    let parts = try Parallel.map(portions.count, work: weight.elementCount) { index in
      try portions[index].histogram(range)
    }
    for part in parts {
      for bin in histogram.indices { histogram[bin] += part[bin] }
    }
    self.init(summary, histogram: histogram)
  }
}

/// Elements that one thread takes at a time.
private let portionSize = 1 << 20
