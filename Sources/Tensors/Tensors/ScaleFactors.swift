internal import Elements

/// A tensor of factors, and which elements of a weight each of them stands for.
struct ScaleFactors: Sendable {
  let tensor: TensorView
  private let numbers: FactorNumbers
  /// Rows of elements that a factor stands for.
  private let rows: Int
  /// Elements along a row that a factor stands for.
  let columns: Int
  /// Factors for a row of tiles, as they are stored.
  private let perRow: Int
  private let isBlocked: Bool
  private let divides: Bool
  /// The only factor; nil where there are several.
  let single: Float?
  /// Whether tiles have one each. Those are looked at when they are used, since there may be one for every
  /// 16 elements; all others were looked at when this was made.
  let isTiled: Bool

  /// The factors in a tensor whose bytes are at hand.
  ///
  /// - Parameters:
  ///   - tensor: the factors.
  ///   - rule: what they stand for.
  ///   - weight: the shape of the weight's elements.
  ///   - name: of the weight.
  /// - Throws: when shape or type don't go with the weight, or a factor that isn't of a tile is none.
  init(
    _ tensor: TensorView, _ rule: ScaleRule, weight: [Int], of name: String
  ) throws(ScaleFault) {
    let (height, width) = (weight.first ?? 1, weight.dropFirst().elementCount)
    let count = tensor.elementCount
    self.tensor = tensor
    divides = rule.divides
    isBlocked = rule.order == .blocked
    let plain = "one finite factor other than 0, or one for every row of '\(name)' \(weight)"
    let dtype = tensor.dtype == .u8 ? rule.bytes : tensor.dtype
    guard let numbers = dtype.flatMap(FactorNumbers.init), count > 0,
      count == 1 || weight.elementCount > 0
    else {
      throw ScaleFault(tensor, expected: plain)
    }
    self.numbers = numbers
    if let tile = rule.tile,
      rule.order == .blocked
        || count > 1 && (tile.rows == 1 || height == 1 || tensor.shape.first != height)
    {
      isTiled = true
      guard weight.count > 1, weight.elementCount > 0 else {
        throw ScaleFault(tensor, expected: plain)
      }
      let down = (height + tile.rows - 1) / tile.rows
      let across = (width + tile.columns - 1) / tile.columns
      let stored = isBlocked ? BlockedOrder(rows: down, columns: across).shape : [down, across]
      guard count == stored.elementCount, isBlocked || tensor.shape == stored
      else {
        throw ScaleFault(
          tensor,
          expected: "\(stored), one for every \(tile.rows) x \(tile.columns) elements of '\(name)' "
            + "\(weight)" + (isBlocked ? ", in parts of 128 x 4" : ""))
      }
      (rows, columns, perRow, single) = (tile.rows, tile.columns, stored[1], nil)
      return
    }
    isTiled = false
    let factors = numbers.all(of: tensor)
    if let factor = factors.first(where: { !$0.isFinite || $0 == 0 }) {
      throw ScaleFault(tensor, expected: plain, factor: factor)
    }
    if count == 1 {
      (rows, columns, perRow, single) = (max(height, 1), max(width, 1), 1, factors[0])
      return
    }
    guard tensor.shape.first == height, count % height == 0, width % (count / height) == 0 else {
      throw ScaleFault(tensor, expected: plain)
    }
    (rows, columns, perRow, single) = (1, width / (count / height), count / height, nil)
  }

  /// Multiplies or divides what is there by the factors of runs of a row.
  ///
  /// - Parameters:
  ///   - factors: one for every run.
  ///   - row: of the weight.
  ///   - first: the number of the first run in its row.
  ///   - length: elements of a run; those of a factor, or a part of them.
  func apply(
    to factors: UnsafeMutableBufferPointer<Float>, row: Int, first: Int, length: Int
  ) {
    let line = row / rows
    unsafe tensor.bytes.withUnsafeBytes { bytes in
      for index in 0..<factors.count {
        let column = columns == length ? first + index : (first + index) * length / columns
        let factor = unsafe numbers.number(bytes, position(line, column))
        if divides { unsafe factors[index] /= factor } else { unsafe factors[index] *= factor }
      }
    }
  }

  /// Where the factor of a tile stands; see ``ScaleRule/Order/blocked``.
  private func position(_ row: Int, _ column: Int) -> Int {
    guard isBlocked else { return single == nil ? row * perRow + column : 0 }
    return BlockedOrder.position(row, column, columns: perRow)
  }
}

/// How the bytes of factors become numbers.
private enum FactorNumbers: Sendable {
  /// Each byte is the place of its number.
  case table([Float])
  /// Wider elements.
  case wide(DType)

  /// Nil for a type that is no factor's.
  init?(_ dtype: DType) {
    switch dtype {
    case .f8E4M3: self = .table(Self.e4m3)
    case .f8E5M2: self = .table(Self.e5m2)
    case .f8E8M0: self = .table(Self.e8m0)
    case .f64, .f32, .f16, .bf16: self = .wide(dtype)
    default: return nil
    }
  }

  private static let e4m3 = widened(.f8E4M3)
  private static let e5m2 = widened(.f8E5M2)

  private static let e8m0 = (0..<256).map { Float(e8m0: UInt8($0)) }

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
    case .table:
      unsafe tensor.bytes.withUnsafeBytes { bytes in
        (0..<bytes.count).map { unsafe number(bytes, $0) }
      }
    }
  }

  /// The factor at a place; F64 is rounded to nearest.
  func number(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Float {
    switch self {
    case .table(let numbers): return unsafe numbers[Int(bytes[index])]
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
