internal import Checkpoints
internal import Elements
internal import Tensors

/// Lengths of a file that is written, of a weight after its change: they are written as they are, whatever
/// type the factors get, since a length's rounding counts as much as the whole weight's.
struct WrittenLengths {
  /// Its name in the file.
  private let name: String
  private let shape: [Int]
  /// The numbers, one part after another.
  private let parts: [TensorView]

  /// The tensor in a file.
  var entry: AdapterOutput.Entry {
    let types = Set(parts.map(\.dtype))
    let type = types.count == 1 ? parts[0].dtype : .f32
    return AdapterOutput.Entry(
      description: TensorDescription(name: name, dtype: type, shape: shape)
    ) { parts.flatMap { $0.narrowed(to: type, times: 1) } }
  }

  /// The lengths of rows of modules that the dialect fuses, in this order.
  fileprivate init(
    _ changes: [ParameterChange], of module: WrittenModule, _ form: DialectRecipe.Lengths
  ) {
    name = module.stem + form.ending
    let count = module.outFeatures
    shape = form.isMatrix ? [count, 1] : [count]
    // What exchanges halves is never fused.
    parts = changes.compactMap { change in
      let lengths = change.magnitude?.rows(change.rows)
      return module.swapsHalves ? lengths?.swappingHalves() : lengths
    }
  }

  /// The lengths of columns, which all of a module's rows have in common.
  fileprivate init(columns: TensorView, of module: WrittenModule, _ form: DialectRecipe.Lengths) {
    name = module.stem + form.ending
    shape = columns.shape
    parts = [columns]
  }
}

extension Adapter {
  /// The adapter with the pairs of its changes that end in lengths among its modules: as a file has them,
  /// and not as they are meant.
  public var includingPairsOfLengths: Adapter {
    var whole = self
    whole.parts = parts.map { ($0.name, $0.part.includingPairsOfLengths) }
    return whole
  }

  /// Whether some weight is given lengths.
  public var hasLengths: Bool { parts.contains { $0.part.hasLengths } }
}

extension AdapterPart {
  fileprivate var includingPairsOfLengths: AdapterPart {
    let known = Set(modules.map(\.path))
    var whole = self
    whole.modules += changes.compactMap(\.pairOfLengths).filter { !known.contains($0.path) }
    return whole
  }
}

extension Adapter {
  /// The lengths of a file, beside the factors of the transformer's modules.
  ///
  /// Those of rows go with the rows, wherever a dialect fuses or divides modules. Those of columns run over all
  /// modules that a file has fused, so that they stay with them.
  ///
  /// **Source:** huggingface/peft 0.21.2, `tuners/lora/dora.py`, `get_weight_norm` (one norm for each row of
  /// W + scaling · B · A), and `tuners/lora/config.py` (`use_dora` is for every module, and takes no
  /// `lora_bias`); KohakuBlueleaf/LyCORIS 4.1.3, `functional/general.py`, `_weight_decompose` (rows or columns
  /// of the same sum).
  ///
  /// - Parameters:
  ///   - recipe: how the dialect names them.
  ///   - dialect: its name.
  ///   - written: its modules.
  /// - Returns: one for every module that has some.
  /// - Throws: ``AdapterWritingFault`` for lengths that the dialect can't hold.
  func writtenLengths(
    _ recipe: DialectRecipe, dialect: String, beside written: [WrittenModule]
  ) throws(AdapterWritingFault) -> [WrittenLengths] {
    let changed = Dictionary(
      changes.filter { $0.magnitude != nil }.map { ($0.path, $0) },
      uniquingKeysWith: { first, _ in first })
    guard !changed.isEmpty, let form = recipe.lengths else { return [] }
    if !form.isMatrix, let bias = changes.first(where: { $0.parameter == .bias }) {
      throw AdapterWritingFault(
        detail: "dialect '\(dialect)' has no form for both DoRA and the bias of '\(bias.path)'")
    }
    var lengths: [WrittenLengths] = []
    for module in written {
      let found = module.parts.map { part in part.flatMap { changed[$0.path] } }
      let own = found.compactMap(\.self)
      if own.isEmpty {
        guard form.isMatrix else {
          throw AdapterWritingFault(
            detail: "DoRA of dialect '\(dialect)' is for every module of a file, and "
              + "'\(module.stem)' has no lengths")
        }
        continue
      }
      guard own.count == found.count else {
        throw AdapterWritingFault(
          detail: "'\(module.stem)' of dialect '\(dialect)' fuses modules of which some have no "
            + "lengths: these would be the base's own, which the adapter doesn't have; another "
            + "dialect may have each by itself")
      }
      lengths.append(try Self.lengths(own, of: module, form, dialect: dialect))
    }
    return lengths
  }

  private static func lengths(
    _ changes: [ParameterChange], of module: WrittenModule, _ form: DialectRecipe.Lengths,
    dialect: String
  ) throws(AdapterWritingFault) -> WrittenLengths {
    let ofColumns = changes.filter(\.hasLengthsOfColumns)
    guard let first = ofColumns.first, let columns = first.magnitude else {
      return WrittenLengths(changes, of: module, form)
    }
    guard form.isMatrix else {
      throw AdapterWritingFault(
        detail: "'\(first.name)' has lengths of columns ([1, \(columns.shape[1])]), and DoRA of "
          + "dialect '\(dialect)' only those of rows")
    }
    // As one module of its file has them, all of its rows in their order.
    let isWhole =
      changes.allSatisfy { $0.name == first.name && $0.hasLengthsOfColumns }
      && module.outFeatures == first.values.shape.rows
      && changes.flatMap(\.rows).reduce(0, { $0 + $1.count }) == first.values.shape.rows
    guard isWhole else {
      throw AdapterWritingFault(
        detail: "'\(first.name)' has lengths of columns ([1, \(columns.shape[1])]) that run over "
          + "\(first.values.shape.rows) rows, and '\(module.stem)' of dialect '\(dialect)' has "
          + "\(module.outFeatures) of them")
    }
    return WrittenLengths(columns: columns, of: module, form)
  }
}

extension ParameterChange {
  /// Whether its lengths are one for each column.
  fileprivate var hasLengthsOfColumns: Bool { magnitude.map { $0.shape[1] != 1 } ?? false }
}
