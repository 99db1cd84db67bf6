internal import Elements

/// A tensor beside a weight's codes, and which elements each of its numbers stands for.
struct ScaleFactors: Sendable {
  let tensor: TensorView
  let role: ScaleRule.Role
  private let numbers: FactorNumbers
  /// Rows of elements that a factor stands for.
  private let rows: Int
  /// Elements along a row that a factor stands for.
  let columns: Int
  /// Factors for a row of tiles, as they are stored.
  private let perRow: Int
  private let isBlocked: Bool
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
  ///   - nested: what they are codes of; nil for numbers.
  ///   - weight: the shape of the weight's elements.
  ///   - name: of the weight.
  /// - Throws: when shape or type don't go with the weight, or a factor that isn't of a tile is none.
  init(
    _ tensor: TensorView, _ rule: ScaleRule, nested: NestedFactors? = nil, weight: [Int],
    of name: String
  ) throws(ScaleFault) {
    let isFlat = rule.order == .flat
    let height = isFlat ? 1 : weight.first ?? 1
    let width = isFlat ? weight.elementCount : weight.dropFirst().elementCount
    let count = tensor.elementCount
    self.tensor = tensor
    role = rule.role
    isBlocked = rule.order == .blocked
    let mayBeZero = rule.mayBeZero || ![.factor, .divisor].contains(rule.role)
    let plain =
      "one finite factor" + (mayBeZero ? "" : " other than 0") + ", or \([height, 1]), one for "
      + "every row of '\(name)' \(weight)"
    let dtype = tensor.dtype == .u8 ? rule.bytes : tensor.dtype
    guard let numbers = nested.map(FactorNumbers.nested) ?? dtype.flatMap(FactorNumbers.init),
      count > 0, count == 1 || weight.elementCount > 0, nested?.fits(count) ?? true
    else {
      throw ScaleFault(tensor, expected: plain)
    }
    self.numbers = numbers
    if let tile = rule.tile,
      isBlocked || isFlat || tile.isSaid
        || count > 1 && (tile.rows == 1 || height == 1 || tensor.shape.first != height)
    {
      isTiled = true
      guard weight.count > 1, weight.elementCount > 0 else {
        throw ScaleFault(tensor, expected: plain)
      }
      let (tileRows, tileColumns) = (min(tile.rows, height), min(tile.columns, width))
      let down = (height + tileRows - 1) / tileRows
      let across = (width + tileColumns - 1) / tileColumns
      let stored = isBlocked ? BlockedOrder(rows: down, columns: across).shape : [down, across]
      guard
        tensor.shape == stored || isFlat && [[across], [across, 1]].contains(tensor.shape)
      else {
        throw ScaleFault(
          tensor,
          expected: "\(isFlat ? [across] : stored), one for every "
            + (isFlat ? "\(tile.columns)" : "\(tile.rows) x \(tile.columns)")
            + " elements of '\(name)' \(weight)" + (isBlocked ? ", in parts of 128 x 4" : ""))
      }
      (rows, columns, perRow, single) = (tileRows, tileColumns, stored[1], nil)
      return
    }
    isTiled = false
    let factors = numbers.all(of: tensor)
    if let factor = factors.first(where: { !$0.isFinite || $0 == 0 && !mayBeZero }) {
      throw ScaleFault(tensor, expected: plain, factor: factor)
    }
    if count == 1 {
      (rows, columns, perRow, single) = (max(height, 1), max(width, 1), 1, factors[0])
      return
    }
    // Runs are along the second axis: along a third they would be of every so many elements.
    guard tensor.shape.first == height, count == height || rule.hasRuns && count % height == 0,
      tensor.shape.dropFirst(2).allSatisfy({ $0 == 1 }), width % (count / height) == 0
    else {
      throw ScaleFault(tensor, expected: plain + (rule.hasRuns ? ", or several" : ""))
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
        if role == .divisor {
          unsafe factors[index] /= factor
        } else {
          unsafe factors[index] *= factor
        }
      }
    }
  }

  /// Where the factor of a tile stands; see ``ScaleRule/Order/blocked``.
  private func position(_ row: Int, _ column: Int) -> Int {
    guard isBlocked else { return single == nil ? row * perRow + column : 0 }
    return BlockedOrder.position(row, column, columns: perRow)
  }
}
