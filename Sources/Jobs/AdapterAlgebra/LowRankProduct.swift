internal import Adapters
internal import Elements
internal import LinearAlgebra
internal import Tensors

/// A change up · downᵀ, in double precision and never multiplied out.
struct LowRankProduct: Sendable {
  /// Module that it changes.
  let path: String
  /// Left factor, `[outFeatures, rank]`.
  let up: Matrix
  /// Right factor, `[inFeatures, rank]`.
  let down: Matrix

  var rank: Int { up.columns }

  /// A product of factors with as many columns.
  init(path: String, up: Matrix, down: Matrix) {
    precondition(up.columns == down.columns, "factors of one rank")
    self.path = path
    self.up = up
    self.down = down
  }

  /// The sum of factor · scale · up · down over modules of one shape.
  init(_ parts: [(factor: Double, module: AdapterModule)]) throws {
    let first = parts[0].module
    let rank = parts.reduce(0) { $0 + $1.module.rank }
    var up: [Double] = []
    var down: [Double] = []
    up.reserveCapacity(rank * first.outFeatures)
    down.reserveCapacity(rank * first.inFeatures)
    for (factor, module) in parts {
      let values = try module.finiteUp()
      let scale = factor * module.scale
      for k in 0..<module.rank {
        for row in 0..<module.outFeatures {
          up.append(scale * Double(values[row * module.rank + k]))
        }
      }
      down += try module.finiteDown().lazy.map(Double.init)
    }
    let limit = Double(Float.greatestFiniteMagnitude)
    guard up.allSatisfy({ abs($0) <= limit }) else {
      throw AlgebraError.overflow(module: first.path)
    }
    self.init(
      path: first.path, up: Matrix(rows: first.outFeatures, columns: rank, up),
      down: Matrix(rows: first.inFeatures, columns: rank, down))
  }

  /// The singular values and vectors, without forming the product: with up = Q·R and down = P·S
  /// those of the small R·Sᵀ, turned by Q and P.
  ///
  /// Accurate to some 1e-15 of ‖up‖ · ‖down‖.
  func decomposed() throws -> LowRankDecomposition {
    do throws(MatrixFault) {
      let (q, r) = try up.orthogonalised()
      let (p, s) = try down.orthogonalised()
      let core = try r.times(s, transposingOther: true).decomposed()
      return LowRankDecomposition(
        path: path, values: core.values,
        noise: 0x1p-48 * r.norm * s.norm,
        leftBase: q, leftCore: core.left, rightBase: p, rightCore: core.right)
    } catch {
      throw error.error(module: path, rows: max(up.rows, down.rows), columns: rank)
    }
  }
}

/// The singular value decomposition of a low-rank change: left · diag(values) · rightᵀ, with the
/// vectors as products that are multiplied out for as many as are wanted.
struct LowRankDecomposition: Sendable {
  let path: String
  /// Largest first; as many as the smallest of rank and sizes.
  let values: [Double]
  /// Values up to here may be rounding.
  let noise: Double
  let leftBase: Matrix
  let leftCore: Matrix
  let rightBase: Matrix
  let rightCore: Matrix

  /// The first singular vectors on both sides. Of each pair's two signs that is taken with which
  /// the left vector's entry of largest magnitude (the first of equal ones) is positive.
  func vectors(_ count: Int) -> (left: Matrix, right: Matrix) {
    var left = leftBase.times(leftCore.prefix(count))
    var right = rightBase.times(rightCore.prefix(count))
    for column in 0..<count {
      let entries = left.elements[column * left.rows..<(column + 1) * left.rows]
      var largest = 0.0
      for entry in entries where abs(entry) > abs(largest) { largest = entry }
      guard largest < 0 else { continue }
      for row in 0..<left.rows { left[row, column].negate() }
      for row in 0..<right.rows { right[row, column].negate() }
    }
    return (left, right)
  }

  /// The closest change of a lower rank, each singular value divided evenly between the factors, so
  /// that both are of middling size; scale 1.
  ///
  /// - Parameters:
  ///   - rule: how many singular values to keep.
  ///   - oldRank: the rank to report as the one before.
  ///   - total: squared norm of the change; nil when these are all singular values.
  /// - Returns: the module, float32, and what it keeps.
  /// - Throws: ``AlgebraError/overflow(module:)`` when a factor is beyond float32.
  func truncated(
    _ rule: RankRule, oldRank: Int, total: Double? = nil
  ) throws -> (module: AdapterModule, report: RankReport.Module) {
    let count = values.isEmpty ? 0 : rule.rank(of: values, noise: noise)
    let (left, right) = vectors(count)
    let rank = max(1, count)
    var up = [Float](repeating: 0, count: left.rows * rank)
    var down = [Float](repeating: 0, count: right.rows * rank)
    for k in 0..<count where values[k] > noise {
      let root = values[k].squareRoot()
      for row in 0..<left.rows { up[row * rank + k] = Float(left[row, k] * root) }
      for row in 0..<right.rows { down[k * right.rows + row] = Float(right[row, k] * root) }
    }
    guard up.allSatisfy(\.isFinite), down.allSatisfy(\.isFinite) else {
      throw AlgebraError.overflow(module: path)
    }
    let energy = total ?? values.energy
    let isZero = energy.squareRoot() <= noise
    let report = RankReport.Module(
      path: path, oldRank: oldRank, newRank: rank, norm: isZero ? 0 : energy.squareRoot(),
      energyKept: isZero ? 1 : min(1, values.prefix(count).energy / energy))
    let module = AdapterModule(
      path: path, down: TensorView(name: "", shape: [rank, right.rows], down),
      up: TensorView(name: "", shape: [left.rows, rank], up), scale: 1)
    return (module, report)
  }
}

extension AdapterModule {
  /// A's elements, refused when one isn't finite.
  func finiteDown() throws -> [Float] { try finite(down, "down") }

  /// B's elements, refused when one isn't finite.
  func finiteUp() throws -> [Float] { try finite(up, "up") }

  private func finite(_ factor: TensorView, _ name: String) throws -> [Float] {
    guard factor.dtype.isWidenable else {
      throw AlgebraError.unsupportedDType(tensor: "\(path) (\(name))", found: factor.dtype.rawValue)
    }
    try factor.makeWhole()
    let values = factor.floats()
    guard scale.isFinite, values.allSatisfy(\.isFinite) else {
      throw AlgebraError.notFinite(tensor: "\(path) (\(name))")
    }
    return values
  }
}
