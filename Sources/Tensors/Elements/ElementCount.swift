extension Collection<Int> {
  /// Number of elements of a tensor with these sizes: 0 where one of them is 0, and `Int.max` where
  /// the product is beyond it, which no tensor that has bytes reaches.
  ///
  /// Headers may give an empty tensor sizes whose product without the 0 is beyond any integer.
  @inlinable public var elementCount: Int {
    var count = 1
    for size in self {
      if size == 0 { return 0 }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      count = overflow ? .max : product
    }
    return count
  }
}
