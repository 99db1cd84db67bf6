extension Int {
  /// The next multiple of a size.
  package func roundedUp(to size: Int) -> Int { (self + size - 1) / size * size }

  /// How long portions of so many items should be that threads take one after the other, so that all are done
  /// soonest: the longest, or shorter ones where threads would have none, or wait long for the last.
  ///
  /// - Parameters:
  ///   - most: the longest, a multiple of `step`.
  ///   - step: lengths are multiples of it.
  ///   - overhead: what a portion costs beside its items, as so many items.
  ///   - threads: how many.
  /// - Returns: the length.
  package func portionLength(atMost most: Int, step: Int, overhead: Int, among threads: Int) -> Int
  {
    func time(_ length: Int) -> Int {
      let portions = (self + length - 1) / length
      return (portions + threads - 1) / threads * (Swift.min(self, length) + overhead)
    }
    return stride(from: most, to: 0, by: -step).min { time($0) < time($1) } ?? most
  }
}

extension Range<Int> {
  /// The range in parts of a size, of which the last may be smaller.
  func portions(of size: Int) -> LazyMapSequence<StrideTo<Int>, Range<Int>> {
    stride(from: lowerBound, to: upperBound, by: size).lazy.map { [upperBound] in
      $0..<Swift.min(upperBound, $0 + size)
    }
  }
}
