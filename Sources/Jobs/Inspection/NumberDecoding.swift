internal import Elements
internal import Tensors

/// How the bytes of elements become numbers: in float32, as ``StoredWeight`` gives them, or in float64
/// where the elements of a plain type need it to be exact.
struct NumberDecoding: Sendable {
  /// How the bytes hold the elements.
  let encoding: Encoding
  /// What the elements are multiplied by, counted from the first.
  private let scale: StoredScale?

  /// Nil for elements that aren't read as numbers.
  init?(_ encoding: Encoding, scale: StoredScale? = nil) {
    if case .elements(let dtype) = encoding, scale == nil {
      guard dtype.isNumber else { return nil }
    } else if !encoding.isWidenable {
      return nil
    }
    self.encoding = encoding
    self.scale = scale
  }

  /// Bytes of an element whose codes are few enough to count each; nil for wider ones, and where equal
  /// codes may stand for different numbers.
  var codeWidth: Int? {
    guard case .elements(let dtype) = encoding, scale == nil || scale?.single != nil else {
      return nil
    }
    switch dtype {
    case .f16, .bf16, .i16, .u16: return 2
    case .f8E4M3, .f8E5M2, .f8E8M0, .i8, .u8, .bool: return 1
    default: return nil
    }
  }

  /// Whether float32 holds every number exactly.
  var isSingle: Bool {
    switch encoding {
    case .elements(let dtype): scale != nil || dtype.isWidenable && dtype != .f64
    case .blocks: true
    }
  }

  /// The numbers of some elements, for a type with ``isSingle``.
  ///
  /// - Parameters:
  ///   - bytes: of these elements.
  ///   - first: the position of the first.
  ///   - output: as many.
  /// - Throws: when a scale's factor is no number.
  func widen(_ bytes: RawSpan, from first: Int, into output: inout MutableSpan<Float>) throws {
    encoding.widen(bytes, into: &output)
    try scale?.apply(to: &output, from: first)
  }

  /// The same for the first numbers of a buffer.
  func widen(_ bytes: RawSpan, from first: Int, count: Int, into buffer: inout [Float]) throws {
    var whole = buffer.mutableSpan
    var output = whole._mutatingExtracting(0..<count)
    try widen(bytes, from: first, into: &output)
  }

  /// The numbers of some elements in float64.
  func numbers(_ bytes: RawSpan, from first: Int, count: Int) throws -> [Double] {
    guard isSingle, count > 0 else { return (0..<count).map { number(bytes, $0) } }
    var floats = [Float](repeating: 0, count: count)
    var span = floats.mutableSpan
    try widen(bytes, from: first, into: &span)
    return floats.map(Double.init)
  }

  /// One element of a type that isn't widened to float32.
  private func number(_ bytes: RawSpan, _ index: Int) -> Double {
    guard case .elements(let dtype) = encoding else { return .nan }
    return unsafe bytes.withUnsafeBytes { buffer in
      switch dtype {
      case .f64: unsafe buffer.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
      case .i64: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
      case .u64: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
      case .i32: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
      case .u32: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
      case .i16: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
      case .u16: unsafe Double(buffer.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
      case .i8: unsafe Double(Int8(bitPattern: buffer[index]))
      case .f8E8M0: unsafe Double(Float(e8m0: buffer[index]))
      default: unsafe Double(buffer[index])
      }
    }
  }
}

extension DType {
  /// Whether elements that stand for themselves are read: complex numbers and those of fewer than eight
  /// bits aren't.
  fileprivate var isNumber: Bool {
    switch self {
    case .f4, .f6E2M3, .f6E3M2, .f8E4M3FNUZ, .f8E5M2FNUZ, .c64: false
    default: true
    }
  }
}
