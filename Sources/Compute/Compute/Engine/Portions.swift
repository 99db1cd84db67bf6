extension Int {
  /// The next multiple of a size.
  package func roundedUp(to size: Int) -> Int { (self + size - 1) / size * size }
}

extension Range<Int> {
  /// The range in parts of a size, of which the last may be smaller.
  func portions(of size: Int) -> LazyMapSequence<StrideTo<Int>, Range<Int>> {
    stride(from: lowerBound, to: upperBound, by: size).lazy.map { [upperBound] in
      $0..<Swift.min(upperBound, $0 + size)
    }
  }
}
