internal import CKernels
internal import Concurrency
internal import Elements
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#endif

/// Elements that one thread takes at a time; a power of two, so that types of a few bits are cut at
/// whole bytes and blocks whole.
private let portionSize = 1 << 20
/// Elements that are widened at a time.
private let blockSize = 1 << 13

extension TensorDifference {
  /// Compares two parameters of the same shape, portion by portion.
  ///
  /// - Returns: nil when they are the same bytes in the same encoding, with the same scales.
  /// - Throws: when bytes can't be made.
  init?(_ left: StoredWeight, _ right: StoredWeight) throws {
    let portions = left.portions(with: right, ofElements: portionSize)
    let work = left.elementCount
    if left.encoding == right.encoding, left.isScaled == right.isScaled {
      let areEqual = try Parallel.map(portions.count, work: work) { index in
        try portions[index].left.isStored(as: portions[index].right)
      }
      if !areEqual.contains(false) { return nil }
    }
    let parts = try Parallel.map(portions.count, work: work) { index in
      try TensorDifference(portions[index].left, portions[index].right)
    }
    self.init()
    for part in parts { add(part) }
  }

  /// The same elements of two tensors.
  private init(_ left: TensorPiece, _ right: TensorPiece) throws {
    let count = left.elements.count
    let (leftDecoding, rightDecoding) = (left.decoding, right.decoding)
    self = try left.withStoredBytes { leftBytes in
      try right.withStoredBytes { rightBytes in
        guard let leftDecoding, let rightDecoding else {
          return TensorDifference(unread: leftBytes, rightBytes, left.tensor.dtype, count)
        }
        return try TensorDifference(leftBytes, leftDecoding, rightBytes, rightDecoding, count)
      }
    }
  }

  /// Numbers of two encodings.
  private init(
    _ left: RawSpan, _ leftDecoding: NumberDecoding, _ right: RawSpan,
    _ rightDecoding: NumberDecoding, _ count: Int
  ) throws {
    self.init()
    elementCount = count
    let isSingle = leftDecoding.isSingle && rightDecoding.isSingle
    let length = isSingle ? min(count, blockSize) : 0
    var (leftFloats, rightFloats) = (
      [Float](repeating: 0, count: length), [Float](repeating: 0, count: length)
    )
    for start in stride(from: 0, to: count, by: blockSize) {
      let block = start..<min(start + blockSize, count)
      let (a, b) = (
        left.extracting(leftDecoding.encoding.byteRange(of: block)),
        right.extracting(rightDecoding.encoding.byteRange(of: block))
      )
      var result = ck_difference()
      if isSingle {
        try leftDecoding.widen(a, from: start, count: block.count, into: &leftFloats)
        try rightDecoding.widen(b, from: start, count: block.count, into: &rightFloats)
        unsafe ck_compare_f32(leftFloats, rightFloats, block.count, &result)
      } else {
        let (a, b) = (
          try leftDecoding.numbers(a, from: start, count: block.count),
          try rightDecoding.numbers(b, from: start, count: block.count)
        )
        unsafe ck_compare_f64(a, b, block.count, &result)
      }
      unequalCount += Int(result.unequal)
      notFiniteCount += Int(result.not_finite)
      maximum = max(maximum, result.greatest)
      squaredDifferences += result.differences
      squaredReference += result.squares
    }
  }

  /// Elements of a type that isn't read as numbers: every one of a byte that differs counts.
  private init(unread left: RawSpan, _ right: RawSpan, _ dtype: DType, _ count: Int) {
    self.init()
    elementCount = count
    let group = dtype.byteCount(elements: dtype.groupLength)
    if left.byteCount != right.byteCount {
      unequalCount = count
    } else {
      for start in stride(from: 0, to: left.byteCount, by: group) {
        let bytes = start..<start + group
        let isEqual = haveEqualBytes(left.extracting(bytes), right.extracting(bytes))
        unequalCount += isEqual ? 0 : dtype.groupLength
      }
    }
    notFiniteCount = unequalCount
  }
}

extension TensorPiece {
  /// Whether the elements are the same bytes in the same encoding, multiplied by the same.
  fileprivate func isStored(as other: TensorPiece) throws -> Bool {
    guard storedEncoding == other.storedEncoding, tensor.encoding == other.tensor.encoding else {
      return false
    }
    switch (scale?.from(elements.lowerBound), other.scale?.from(other.elements.lowerBound)) {
    case (nil, nil): break
    case (let scale?, let otherScale?):
      guard try scale.isSame(as: otherScale, count: elements.count) else { return false }
    default: return false
    }
    return try withStoredBytes { bytes in
      try other.withStoredBytes { haveEqualBytes(bytes, $0) }
    }
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
