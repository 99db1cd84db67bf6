internal import Adapters
internal import Tensors

/// Some rows of a parameter, and where they lie in an output.
struct ParameterPlace {
  /// Canonical name of the parameter.
  let parameter: String
  /// What the rows are called in reports: the module's path, of a bias the parameter.
  let module: String
  /// Position of the tensor.
  let tensor: Int
  /// Rows of the tensor.
  let rows: Range<Int>
  /// The parameter's rows that stand there.
  let moduleRows: Range<Int>
  /// Elements of a row.
  let columns: Int
}

extension ParameterChange {
  /// Which of its numbers' rows belong to rows of a tensor.
  func rows(at place: ParameterPlace) -> PartRows {
    let sources = rows.flatMap { Array($0) }
    return PartRows(
      first: place.rows.lowerBound, sources: Array(sources[place.moduleRows]),
      columns: place.columns)
  }

  /// What its numbers are at some rows of a tensor, times a scale.
  func part(
    at place: ParameterPlace, _ rows: PartRows, scale: Double
  ) -> any DeltaPart {
    func lowRank(_ pair: ChangedValues.LowRankPair, _ scale: Double) -> LowRankDelta {
      let (rank, up) = (pair.down.shape[0], pair.up.floats())
      let own = rows.sources.flatMap { up[$0 * rank..<($0 + 1) * rank] }
      return LowRankDelta(
        module: place.module, rows: place.rows, columns: place.columns,
        factors: [.init(down: pair.down.floats(), up: own, rank: rank, scale: scale)])
    }
    return switch values {
    case .lowRank(let pair): lowRank(pair, scale)
    case .hadamard(let first, let second):
      HadamardDelta(first: lowRank(first, scale), second: lowRank(second, 1))
    case .kronecker(let left, let right):
      KroneckerDelta(left: left, right: right, scale: scale, rows)
    case .difference(let values): StoredDelta(values: values, scale: scale, rows: rows)
    case .replacement(let values): ReplacedDelta(values: values, strength: scale, rows: rows)
    }
  }
}
