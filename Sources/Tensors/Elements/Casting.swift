internal import CKernels

/// What a cast to a narrower type did to the numbers, besides rounding them.
public struct CastLoss: Sendable, Equatable {
  /// Finite numbers that became an infinity; of a type that saturates, also infinities, that became
  /// its largest number.
  public var overflowCount = 0
  /// Numbers that became zero and were not.
  public var underflowCount = 0

  /// Nothing lost.
  public init() {}

  /// Adds the losses of another part.
  public static func += (left: inout CastLoss, right: CastLoss) {
    left.overflowCount += right.overflowCount
    left.underflowCount += right.underflowCount
  }
}

/// Casts elements from one floating type to another, rounding once: nearest, ties to even, and
/// saturating as ``narrow(_:to:into:)`` does. A cast to the same type copies the bytes.
///
/// - Parameters:
///   - bytes: the elements, little-endian, not necessarily aligned.
///   - source: their type; one for which ``DType/isWidenable`` holds.
///   - target: the type to write; likewise.
///   - output: the bytes of as many elements, little-endian.
/// - Returns: how many elements overflowed or underflowed; not counted from F64 to F32.
@discardableResult
public func cast(
  _ bytes: RawSpan, from source: DType, to target: DType, into output: inout MutableRawSpan
) -> CastLoss {
  precondition(source.isWidenable && target.isWidenable, "only floating types are cast")
  let sourceSize = source.bitCount / 8
  let targetSize = target.bitCount / 8
  let count = bytes.byteCount / sourceSize
  precondition(
    bytes.byteCount == count * sourceSize && output.byteCount == count * targetSize,
    "sizes must agree")
  if source == target {
    copy(bytes, into: &output)
    return CastLoss()
  }
  var loss = CastLoss()
  var buffer = [Float](repeating: 0, count: min(count, 4096))
  for start in stride(from: 0, to: count, by: 4096) {
    let end = min(start + 4096, count)
    let part = bytes.extracting(start * sourceSize..<end * sourceSize)
    // Only the last part is shorter.
    buffer.removeLast(buffer.count - (end - start))
    var values = buffer.mutableSpan
    var result = output._mutatingExtracting(start * targetSize..<end * targetSize)
    if source == .f64, target != .f32 {
      widenToOdd(part, into: &values)
    } else {
      widen(part, from: source, into: &values)
    }
    loss += CastLoss(of: values.span, to: target)
    narrow(values.span, to: target, into: &result)
  }
  return loss
}

extension CastLoss {
  /// What rounding these values to a type loses.
  ///
  /// Source: the limits follow from the types' widths: the smallest number that rounds beyond the
  /// largest finite one, and the largest that rounds to zero (half the smallest step, a tie).
  public init(of values: Span<Float>, to target: DType) {
    guard let (overflow, underflow) = CastLoss.limits(of: target) else { return }
    var counts: [Int] = [0, 0]
    unsafe values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      // Infinities are kept by the types that have them, and saturate in eight bits.
      let last: UInt32 = target.bitCount == 8 ? 0x7F80_0000 : 0x7F7F_FFFF
      unsafe ck_count_loss(start, values.count, overflow, underflow, last, &counts)
    }
    overflowCount = counts[0]
    underflowCount = counts[1]
  }

  /// The smallest magnitude that overflows and the largest that underflows; nil for types that nothing
  /// is lost in.
  static func limits(of target: DType) -> (overflow: Float, underflow: Float)? {
    switch target {
    case .f16: (65520, 0x1p-25)
    case .bf16: (Float(bitPattern: 0x7F7F_8000), 0x1p-134)
    // 464 is a tie between 448 and the code of NaN, and goes to the even 448.
    case .f8E4M3: (Float(464).nextUp, 0x1p-10)
    case .f8E5M2: (61440, 0x1p-17)
    default: nil
    }
  }
}

private func copy(_ bytes: RawSpan, into output: inout MutableRawSpan) {
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { destination in
      unsafe destination.copyMemory(from: source)
    }
  }
}

private func widenToOdd(_ bytes: RawSpan, into output: inout MutableSpan<Float>) {
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      unsafe ck_f64_to_f32_odd(from, to, destination.count)
    }
  }
}
