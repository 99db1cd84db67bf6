internal import CKernels
internal import Elements
internal import Tensors

/// How the numbers of two tensors of the same shape differ.
public struct TensorDifference: Sendable, Equatable {
  /// All elements.
  public private(set) var elementCount = 0
  /// Elements that aren't equal; two NaN are, and so are 0 and -0.
  public private(set) var unequalCount = 0
  /// Unequal elements of which one or both are NaN or infinite; they take no part in the norms.
  public private(set) var notFiniteCount = 0
  /// The greatest distance between two elements.
  public private(set) var maximum = 0.0
  /// The sum of squared distances.
  public private(set) var squaredDifferences = 0.0
  /// The sum of the second tensor's squares.
  public private(set) var squaredReference = 0.0

  /// The Frobenius norm of the difference.
  public var norm: Double { squaredDifferences.squareRoot() }
  /// The norm of the difference as a share of the second tensor's: the relative root mean square.
  /// Infinite when that is zero and the difference isn't.
  public var relative: Double {
    squaredDifferences == 0 ? 0 : (squaredDifferences / squaredReference).squareRoot()
  }

  init() {}

  /// Adds the difference of other elements.
  mutating func add(_ other: TensorDifference) {
    elementCount += other.elementCount
    unequalCount += other.unequalCount
    notFiniteCount += other.notFiniteCount
    maximum = max(maximum, other.maximum)
    squaredDifferences += other.squaredDifferences
    squaredReference += other.squaredReference
  }
}

/// Elements that one thread takes at a time; a power of two, so that types of a few bits are cut at
/// whole bytes.
private let portionSize = 1 << 20
/// Elements that are widened at a time.
private let blockSize = 1 << 13

extension TensorDifference {
  /// Compares two tensors of the same shape, portion by portion.
  ///
  /// - Returns: nil when they are the same bytes of the same dtype.
  /// - Throws: ``SafetensorsError`` when bytes can't be made.
  init?(_ left: ComparedTensor, _ right: ComparedTensor) throws {
    let portions = ComparedPortion.portions(left, right, elementCount: portionSize)
    let work = left.elementCount
    if left.dtype == right.dtype {
      let areEqual = try Portions.map(portions.count, work: work) { index in
        try portions[index].withBytes(haveEqualBytes)
      }
      if !areEqual.contains(false) { return nil }
    }
    let decodings = (NumberDecoding(left.dtype), NumberDecoding(right.dtype))
    let parts = try Portions.map(portions.count, work: work) { index in
      try portions[index].withBytes { leftBytes, rightBytes in
        guard let leftDecoding = decodings.0, let rightDecoding = decodings.1 else {
          return TensorDifference(unread: leftBytes, rightBytes, left.dtype)
        }
        return TensorDifference(leftBytes, leftDecoding, rightBytes, rightDecoding)
      }
    }
    self.init()
    for part in parts { add(part) }
  }

  /// Numbers of two types.
  private init(
    _ left: RawSpan, _ leftDecoding: NumberDecoding, _ right: RawSpan,
    _ rightDecoding: NumberDecoding
  ) {
    self.init()
    let (leftSize, rightSize) = (leftDecoding.dtype.bitCount / 8, rightDecoding.dtype.bitCount / 8)
    elementCount = left.byteCount / leftSize
    let isSingle = leftDecoding.isSingle && rightDecoding.isSingle
    for start in stride(from: 0, to: elementCount, by: blockSize) {
      let end = min(start + blockSize, elementCount)
      let (a, b) = (
        left.extracting(start * leftSize..<end * leftSize),
        right.extracting(start * rightSize..<end * rightSize)
      )
      var result = ck_difference()
      if isSingle {
        let (a, b) = (leftDecoding.floats(a), rightDecoding.floats(b))
        unsafe ck_compare_f32(a, b, a.count, &result)
      } else {
        let (a, b) = (leftDecoding.numbers(a), rightDecoding.numbers(b))
        unsafe ck_compare_f64(a, b, a.count, &result)
      }
      unequalCount += Int(result.unequal)
      notFiniteCount += Int(result.not_finite)
      maximum = max(maximum, result.greatest)
      squaredDifferences += result.differences
      squaredReference += result.squares
    }
  }

  /// Elements of a type that isn't read as numbers: every one of a byte that differs counts.
  private init(unread left: RawSpan, _ right: RawSpan, _ dtype: DType) {
    self.init()
    let bits = max(8, dtype.bitCount)
    elementCount = left.byteCount * 8 / dtype.bitCount
    guard left.byteCount == right.byteCount else {
      unequalCount = elementCount
      notFiniteCount = elementCount
      return
    }
    for start in stride(from: 0, to: left.byteCount, by: bits / 8) {
      let bytes = start..<start + bits / 8
      let isEqual = haveEqualBytes(left.extracting(bytes), right.extracting(bytes))
      unequalCount += isEqual ? 0 : bits / dtype.bitCount
    }
    notFiniteCount = unequalCount
  }
}

private func haveEqualBytes(_ left: RawSpan, _ right: RawSpan) -> Bool {
  unsafe left.withUnsafeBytes { left in
    unsafe right.withUnsafeBytes { right in
      guard left.count == right.count, let a = left.baseAddress, let b = right.baseAddress else {
        return left.count == right.count
      }
      return unsafe memcmp(a, b, left.count) == 0
    }
  }
}

#if canImport(Glibc)
  internal import Glibc
#endif
