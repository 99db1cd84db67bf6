internal import Tensors

/// Changes that are a LoRA's exactly, in another form.
extension ParameterChange {
  /// Whether it is a low-rank pair exactly; unless any size will do, one that is no larger than the
  /// weight itself.
  func hasLowRankForm(ofAnySize isAnySize: Bool = false) -> Bool {
    !dependsOnBase && isPair(ofAnySize: isAnySize)
  }

  /// Whether its values are such a pair, whatever lengths they are given after. One that the file has
  /// as a pair is of the right size.
  private func isPair(ofAnySize isAnySize: Bool = false) -> Bool {
    guard parameter == .weight, !isReplacement, let columns = columnCount else { return false }
    if case .lowRank = values { return true }
    return isAnySize
      || values.rank * (values.shape.rows + columns) <= values.shape.rows * columns
  }

  /// Why it has no such form.
  var whyNoLoRA: WhyNoLoRA {
    if isReplacement { return .replacesWeights }
    if dependsOnBase { return .dependsOnBase }
    return columnCount == nil ? .isNoMatrix : .isTooLarge
  }

  /// The pair; nil where there is none.
  ///
  /// Products of two numbers are rounded to float32 once: those of bfloat16 and float16 numbers are
  /// exact.
  func lowRankForm(ofAnySize isAnySize: Bool = false) -> AdapterModule? {
    hasLowRankForm(ofAnySize: isAnySize) ? pair : nil
  }

  /// The pair that is added to the base before the weight is given its lengths; nil for a change
  /// without lengths, and where there is no such pair. Of modules that were fused by a diagonal of
  /// their factors each has its own.
  var pairOfLengths: AdapterModule? {
    magnitude != nil && isPair() ? pair.droppingZeroColumns : nil
  }

  /// Whether there is ``pairOfLengths``.
  var hasPairOfLengths: Bool { magnitude != nil && isPair() }

  private var pair: AdapterModule {
    let pair = values.pair
    return AdapterModule(
      path: path, name: name, down: pair.down.named("\(path).down"),
      up: pair.up.rows(rows).named("\(path).up"), scale: scale, scaleSource: scaleSource)
  }
}

extension AdapterModule {
  /// The same without columns of zeros at the sides of B, and the rows of A that they are multiplied
  /// with; one column stays.
  fileprivate var droppingZeroColumns: AdapterModule {
    let values = up.floats()
    let used = (0..<rank).filter { column in
      (0..<outFeatures).contains { values[$0 * rank + column] != 0 }
    }
    guard let first = used.first, let last = used.last, last - first + 1 < rank else { return self }
    return AdapterModule(
      path: path, name: name, down: down.rows(first..<last + 1),
      up: up.columns(first..<last + 1), scale: scale, scaleSource: scaleSource)
  }
}

extension ChangedValues {
  /// The rank of the pair that a matrix is.
  fileprivate var rank: Int {
    switch self {
    case .lowRank(let pair): pair.down.shape[0]
    case .hadamard(let first, let second): first.down.shape[0] * second.down.shape[0]
    case .kronecker(let left, let right): left.rank * right.rank
    case .difference(let matrix), .replacement(let matrix): KroneckerFactor.whole(matrix).rank
    }
  }

  /// The pair that a matrix is.
  fileprivate var pair: LowRankPair {
    switch self {
    case .lowRank(let pair): pair
    case .hadamard(let first, let second):
      // Rows of both ups multiplied with each other, and columns of both downs.
      LowRankPair(
        down: Self.products(of: first.down, second.down, alongRows: false),
        up: Self.products(of: first.up, second.up, alongRows: true))
    case .kronecker(let left, let right):
      LowRankPair(
        down: Self.kronecker(left.pair.down, right.pair.down),
        up: Self.kronecker(left.pair.up, right.pair.up))
    case .difference(let matrix), .replacement(let matrix): KroneckerFactor.whole(matrix).pair
    }
  }

  /// Every row, or every column, of the one times each of the other at the same place.
  private static func products(
    of first: TensorView, _ second: TensorView, alongRows isAlongRows: Bool
  ) -> TensorView {
    let (a, b) = (first.floats(), second.floats())
    let (aColumns, bColumns) = (first.shape[1], second.shape[1])
    var numbers: [Float] = []
    if isAlongRows {
      for row in 0..<first.shape[0] {
        for i in 0..<aColumns {
          for j in 0..<bColumns { numbers.append(a[row * aColumns + i] * b[row * bColumns + j]) }
        }
      }
      return TensorView(name: "up", shape: [first.shape[0], aColumns * bColumns], numbers)
    }
    for i in 0..<first.shape[0] {
      for j in 0..<second.shape[0] {
        for column in 0..<aColumns {
          numbers.append(a[i * aColumns + column] * b[j * bColumns + column])
        }
      }
    }
    return TensorView(
      name: "down", shape: [first.shape[0] * second.shape[0], aColumns], numbers)
  }

  private static func kronecker(_ left: TensorView, _ right: TensorView) -> TensorView {
    let (a, b) = (left.floats(), right.floats())
    let (aColumns, bColumns) = (left.shape[1], right.shape[1])
    let (rows, columns) = (left.shape[0] * right.shape[0], aColumns * bColumns)
    var numbers = [Float](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      let (aRow, bRow) = row.quotientAndRemainder(dividingBy: right.shape[0])
      for i in 0..<aColumns where a[aRow * aColumns + i] != 0 {
        for j in 0..<bColumns {
          numbers[row * columns + i * bColumns + j] =
            a[aRow * aColumns + i] * b[bRow * bColumns + j]
        }
      }
    }
    return TensorView(name: "factor", shape: [rows, columns], numbers)
  }
}

extension ChangedValues.KroneckerFactor {
  /// The rank of its pair: of a whole matrix its smaller side.
  fileprivate var rank: Int {
    switch self {
    case .whole: min(shape.rows, shape.columns)
    case .divided(let pair): pair.down.shape[0]
    }
  }

  /// The pair; of a whole matrix the matrix and ones on a diagonal.
  fileprivate var pair: ChangedValues.LowRankPair {
    switch self {
    case .divided(let pair): return pair
    case .whole(let matrix):
      var ones = [Float](repeating: 0, count: rank * rank)
      for index in 0..<rank { ones[index * rank + index] = 1 }
      let diagonal = TensorView(name: "ones", shape: [rank, rank], ones)
      return shape.rows <= shape.columns
        ? .init(down: matrix, up: diagonal) : .init(down: diagonal, up: matrix)
    }
  }
}
