internal import Elements

/// A float32 tensor in memory: contiguous, row-major.
public struct Tensor: Sendable, Equatable {
  /// Sizes, outermost first; `[]` is a scalar.
  public let shape: [Int]
  /// The elements, last axis fastest. Their number is the shape's; it must stay so.
  public var elements: [Float]

  /// A tensor of these elements.
  public init(shape: [Int], _ elements: [Float]) {
    precondition(elements.count == shape.elementCount, "elements must fill the shape")
    self.shape = shape
    self.elements = elements
  }

  /// A tensor of one value throughout.
  public init(shape: [Int], repeating value: Float) {
    self.init(shape: shape, Array(repeating: value, count: shape.elementCount))
  }

  /// A tensor filled by a closure, which must write every element.
  public init(
    shape: [Int], _ fill: (_ elements: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    let count = shape.elementCount
    try unsafe self.init(
      shape: shape,
      Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
        try unsafe fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initializedCount = count
      })
  }

  /// Number of elements.
  public var count: Int { elements.count }
  /// Size of the last axis; 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }
  /// Product of all axes but the last.
  public var rows: Int { columns == 0 ? 0 : count / columns }

  /// Rows of a matrix `[rows, columns]` in a range, copied.
  public func rows(_ range: Range<Int>) -> Tensor {
    Tensor(
      shape: [range.count, columns],
      Array(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }

  /// Whether every element is finite.
  public var isFinite: Bool {
    // The sum of absolute values times zero is zero, or NaN when an element is not finite.
    var probe: Float = 0
    for element in elements { probe += element * 0 }
    return probe == 0
  }

  /// Multiplies every element by a factor.
  public mutating func scale(by factor: Float) {
    unsafe elements.withUnsafeMutableBufferPointer { elements in
      for i in 0..<elements.count { unsafe elements[i] *= factor }
    }
  }

  /// The square root of the sum of squares, summed in double precision.
  public var norm: Double {
    var sum = 0.0
    for element in elements { sum += Double(element) * Double(element) }
    return sum.squareRoot()
  }

  /// Adds another tensor's elements times a factor.
  public mutating func add(_ other: Tensor, times factor: Float = 1) {
    precondition(shape == other.shape, "shapes must agree")
    unsafe elements.withUnsafeMutableBufferPointer { sum in
      unsafe other.elements.withUnsafeBufferPointer { other in
        for i in 0..<sum.count { unsafe sum[i] += factor * other[i] }
      }
    }
  }
}
