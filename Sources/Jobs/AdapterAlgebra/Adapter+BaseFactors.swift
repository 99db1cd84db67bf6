public import Adapters
public import Checkpoints
internal import Elements
internal import LinearAlgebra
internal import Tensors

/// What it took to make an adapter a difference to its base's own weights.
public struct BaseFactorsReport: Sendable {
  /// The method that began with factors of the base: `PiSSA`.
  public let method: String
  /// The module whose first factors are least certain, and how far the library that trained may have been from
  /// them: an estimate, as a share of the module's change.
  public internal(set) var least: (path: String, uncertainty: Double)?
  /// The norm of the change beside that of what training began with, of all modules together: small where the
  /// base is the one that it began with.
  public var share: Double { (changeEnergy / firstEnergy).squareRoot() }
  fileprivate var changeEnergy = 0.0
  fileprivate var firstEnergy = 0.0

  fileprivate init(method: String) { self.method = method }
}

extension Adapter {
  /// The adapter as a difference to a base's own weights, where it began with factors that were taken out of
  /// them: scale · (B · A − B₀ · A₀), of twice the rank.
  ///
  /// The first factors are computed in double precision of the weights in float32, as training began with them;
  /// signs of their vectors cancel. The difference is divided into factors by its singular values, since it
  /// is small beside what it is a difference of. Modules come one after another, on the calling thread.
  ///
  /// **Source:** huggingface/peft 0.21.2, `peft_model.py`, `subtract_mutated_init`, which does the same with
  /// factors that were kept from before training.
  ///
  /// - Parameters:
  ///   - known: what the factors have of the base, and the method's name.
  ///   - base: the model that training began with, in floating types that it can have had then.
  ///   - progress: called with the bytes of every weight in float32 before it is decomposed.
  /// - Returns: the adapter, the transformer's modules float32 and of scale 1, without what its metadata say of
  ///   it; and a report.
  /// - Throws: ``AlgebraError`` when the base isn't the adapter's, or doesn't tell the first factors.
  public func subtracting(
    _ known: (method: String, factors: BaseFactors), of base: OpenedCheckpoint,
    progress: (Int) throws -> Void = { _ in }
  ) throws -> (adapter: Adapter, report: BaseFactorsReport) {
    guard changes.isEmpty else {
      throw AlgebraError.untoldBeginning(
        "\(known.method) with \(hasLengths ? "DoRA" : "more than LoRAs"): what was taken out of the base's "
          + "weights is only told of plain LoRAs")
    }
    // The first factors of a stacked weight aren't those of its parts.
    var names = Set<String>()
    for module in modules where !names.insert(module.name).inserted {
      throw AlgebraError.untoldBeginning(
        "'\(module.name)' stacks several modules, expected each by itself: what was taken out of a stacked "
          + "weight isn't taken apart here")
    }
    let side = try ComparedSide(base)
    if let family, family.name != side.architecture.family.name {
      throw AlgebraError.untoldBeginning(
        "\(side.path): \(side.architecture.family.title), expected the model that an adapter for "
          + "\(family.title) began with")
    }
    var report = BaseFactorsReport(method: known.method)
    var adapter = self
    for (index, module) in modules.enumerated() {
      guard let place = side.architecture.module(at: module.path) else {
        throw AlgebraError.untoldBeginning("\(side.path): has no module '\(module.path)'")
      }
      let weight = try side.weight("weight", of: place)
      guard weight.weight.shape == [module.outFeatures, module.inFeatures] else {
        throw AlgebraError.shapesDiffer(
          module: module.path, expected: weight.weight.shape,
          found: [module.outFeatures, module.inFeatures])
      }
      try progress(4 * module.outFeatures * module.inFeatures)
      let first = try FirstFactors(known.factors, of: Matrix(reading: weight), module)
      let difference = try first.subtracted(from: LowRankProduct([(1, module)]))
        .decomposed().truncated(.rank(2 * module.rank), oldRank: module.rank)
      let norm = difference.report.norm
      report.changeEnergy += norm * norm
      report.firstEnergy += first.norm * first.norm
      if norm > 0, first.error / norm > report.least?.uncertainty ?? 0 {
        report.least = (module.path, first.error / norm)
      }
      adapter.modules[index] = AdapterModule(
        path: module.path, name: module.name, down: difference.module.down,
        up: difference.module.up, scale: 1)
    }
    adapter.family = side.architecture.family
    adapter.metadata = metadata.withoutBeginning
    return (adapter, report)
  }
}

/// What an adapter's scale · B · A was when training began.
private struct FirstFactors {
  let product: LowRankProduct
  /// Its Frobenius norm.
  let norm: Double
  /// How far float32 arithmetic may have been from it: an estimate, in the Frobenius norm.
  let error: Double

  /// Those of a weight.
  init(_ factors: BaseFactors, of weight: Matrix, _ module: AdapterModule) throws {
    let rank = min(module.rank, weight.rows, weight.columns)
    guard module.scale > 0 else {
      throw AlgebraError.untoldBeginning(
        "'\(module.path)' has the scale \(module.scale), expected one above 0: none other begins so"
      )
    }
    do throws(MatrixFault) {
      switch factors {
      case .singularValues:
        let (left, values, right) = try weight.decomposed()
        var up = left.prefix(rank)
        for column in 0..<rank {
          for row in 0..<up.rows { up[row, column] *= values[column] }
        }
        product = LowRankProduct(path: module.path, up: up, down: right.prefix(rank))
        norm = up.norm
        // Vectors on both sides of the cut mix by the rounding over the distance of their values.
        let distance = rank < values.count ? values[rank - 1] - values[rank] : .infinity
        error = Self.rounding(of: weight) * values[0] * (1 + values[rank - 1] / distance)
      case .firstColumns:
        let (q, r) = try weight.prefix(rank).orthogonalised()
        var (least, largest) = (Double.infinity, 0.0)
        for index in 0..<rank {
          least = min(least, abs(r[index, index]))
          largest = max(largest, abs(r[index, index]))
        }
        var up = q
        for index in up.elements.indices { up.elements[index] *= module.scale }
        product = LowRankProduct(
          path: module.path, up: up, down: weight.times(q, transposingSelf: true))
        norm = module.scale * product.down.norm
        error = Self.rounding(of: weight) * module.scale * weight.norm * largest / least
      }
    } catch {
      throw error.error(module: module.path, rows: weight.rows, columns: weight.columns)
    }
    guard error.isFinite else {
      throw AlgebraError.untoldBeginning(
        "'\(module.path)': the base's weight doesn't tell the first factors: "
          + (factors == .singularValues
            ? "its singular values \(rank) and \(rank + 1) are equal"
            : "its first \(rank) columns depend on each other"))
    }
  }

  /// What float32 leaves of sums as long as a weight's smaller side, as a share of the weight.
  private static func rounding(of weight: Matrix) -> Double {
    0x1p-24 * Double(min(weight.rows, weight.columns)).squareRoot()
  }

  /// A product without this one.
  func subtracted(from trained: LowRankProduct) -> LowRankProduct {
    LowRankProduct(
      path: trained.path,
      up: Matrix(
        rows: trained.up.rows, columns: trained.rank + product.rank,
        trained.up.elements + product.up.elements.map { -$0 }),
      down: Matrix(
        rows: trained.down.rows, columns: trained.rank + product.rank,
        trained.down.elements + product.down.elements))
  }
}

extension Matrix {
  /// A weight in float32, widened.
  fileprivate init(reading weight: NamedWeight) throws {
    let (rows, columns) = (weight.weight.shape[0], weight.weight.shape[1])
    guard !weight.weight.isScaled, case .elements(let dtype) = weight.weight.encoding,
      [.f32, .f16, .bf16].contains(dtype)
    else {
      throw AlgebraError.untoldBeginning(
        "'\(weight.name)' is \(weight.weight.encoding?.name ?? "of several types"), expected F32, BF16 or "
          + "F16: the first factors are those of the weights that training began with")
    }
    self.init(rows: rows, columns: columns)
    var row = [Float](repeating: 0, count: columns)
    for index in 0..<rows {
      var span = row.mutableSpan
      try weight.weight.widen(index * columns..<(index + 1) * columns, into: &span)
      for column in 0..<columns { self[index, column] = Double(row[column]) }
    }
    guard elements.allSatisfy(\.isFinite) else {
      throw AlgebraError.notFinite(tensor: weight.name)
    }
  }
}
