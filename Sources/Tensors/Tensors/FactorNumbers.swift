internal import Elements

/// Factors that are codes themselves: places in a table, times a factor for every run of them, and a number
/// added.
///
/// **Source:** bitsandbytes-foundation/bitsandbytes 0.50.2, `bitsandbytes/functional.py`, `dequantize_4bit`
/// (`nested_absmax`, `nested_quant_map`, `nested_offset`).
package struct NestedFactors: Sendable {
  /// What the 256 codes stand for.
  let table: [Float]
  /// One for every run.
  let factors: [Float]
  /// How many codes a factor is for.
  let run: Int
  /// What is added.
  let offset: Float

  /// - Parameters:
  ///   - table: what the 256 codes stand for.
  ///   - factors: one for every run.
  ///   - run: how many codes a factor is for; at least one.
  ///   - offset: what is added.
  package init(table: [Float], factors: [Float], run: Int, offset: Float) {
    precondition(table.count == 256 && run > 0, "a number for every byte, and runs")
    self.table = table
    self.factors = factors
    self.run = run
    self.offset = offset
  }

  /// Whether there is a factor for each of so many codes, and none is left.
  func fits(_ count: Int) -> Bool {
    factors.count == count / run + (count % run == 0 ? 0 : 1)
  }
}

/// How the bytes of factors become numbers.
enum FactorNumbers: Sendable {
  /// Each byte is the place of its number.
  case table([Float])
  /// Likewise, with factors of their own.
  case nested(NestedFactors)
  /// Wider elements.
  case wide(DType)

  /// Nil for a type that is no factor's.
  init?(_ dtype: DType) {
    switch dtype {
    case .f8E4M3: self = .table(Self.e4m3)
    case .f8E5M2: self = .table(Self.e5m2)
    case .f8E8M0: self = .table(Self.e8m0)
    case .i8: self = .table(Self.i8)
    case .f64, .f32, .f16, .bf16: self = .wide(dtype)
    default: return nil
    }
  }

  private static let e4m3 = widened(.f8E4M3)
  private static let e5m2 = widened(.f8E5M2)
  private static let e8m0 = (0..<256).map { Float(e8m0: UInt8($0)) }
  private static let i8 = (0..<256).map { Float(Int8(truncatingIfNeeded: $0)) }

  private static func widened(_ dtype: DType) -> [Float] {
    let codes = (0..<256).map { UInt8($0) }
    let view = unsafe TensorView(
      name: "", dtype: dtype, shape: [256], copying: codes.span.bytes)
    return view.floats()
  }

  /// All factors of a tensor.
  func all(of tensor: TensorView) -> [Float] {
    switch self {
    case .wide: tensor.floats()
    case .table, .nested:
      unsafe tensor.bytes.withUnsafeBytes { bytes in
        (0..<bytes.count).map { unsafe number(bytes, $0) }
      }
    }
  }

  /// The factor at a place; F64 is rounded to nearest.
  func number(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Float {
    switch self {
    case .table(let numbers): return unsafe numbers[Int(bytes[index])]
    case .nested(let own):
      let product = unsafe own.table[Int(bytes[index])] * own.factors[index / own.run]
      return product + own.offset
    case .wide(.f32): return unsafe bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
    case .wide(.f64):
      return unsafe Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
    case .wide(let dtype):
      let bits = unsafe bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
      return dtype == .bf16
        ? Float(bitPattern: UInt32(bits) << 16) : Float(Float16(bitPattern: bits))
    }
  }
}
