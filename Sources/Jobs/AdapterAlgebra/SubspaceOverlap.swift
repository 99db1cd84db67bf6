public import Adapters
internal import Concurrency
internal import LinearAlgebra

/// Whether two adapters work in the same directions: the principal angles between the spaces that
/// their changes read from (rows) and write to (columns).
///
/// Source: Golub and Van Loan, "Matrix computations", section 6.4.3: the cosines are the singular
/// values of UᵀV for orthonormal bases U and V. The share is that of Hu et al., "LoRA" (arXiv
/// 2106.09685), section 7.2: the mean of the squared cosines.
public struct SubspaceOverlap: Sendable {
  /// One module that both adapters have in one shape.
  public struct Module: Sendable, Equatable {
    /// Canonical path.
    public let path: String
    /// Cosines of the angles between the column spaces, largest first, as many as the smaller rank.
    public let columnCosines: [Double]
    /// Cosines of the angles between the row spaces, likewise.
    public let rowCosines: [Double]
  }

  /// Shares over several modules, each counting by the smaller of its ranks.
  public struct Share: Sendable, Equatable {
    /// The share of the smaller column space that lies in the larger, from 0 to 1.
    public let columns: Double
    /// The share of the smaller row space that lies in the larger, likewise.
    public let rows: Double

    fileprivate init(_ modules: [Module]) {
      let count = modules.reduce(0) { $0 + $1.columnCosines.count }
      let (columns, rows) = modules.reduce((0, 0)) {
        ($0.0 + $1.columnCosines.energy, $0.1 + $1.rowCosines.energy)
      }
      self.columns = count == 0 ? 0 : columns / Double(count)
      self.rows = count == 0 ? 0 : rows / Double(count)
    }
  }

  /// In the order of the first adapter. A module whose change is zero has no cosines.
  public let modules: [Module]

  /// The shares over all modules.
  public var total: Share { Share(modules) }
  /// The shares of every block, in the order in which the first adapter has them.
  public var blocks: [(name: String, share: Share)] {
    modules.map(\.path).blockNames.map { name in
      (name, Share(modules.filter { $0.path.blockName == name }))
    }
  }

  /// Decomposes the changes of every module that both adapters have in one shape.
  public init(_ a: Adapter, _ b: Adapter) throws {
    let pairs = a.modules.compactMap { module in
      b.module(at: module.path).map { (module, $0) }
    }.filter { $0.inFeatures == $1.inFeatures && $0.outFeatures == $1.outFeatures }
    let work = a.decompositionWork + b.decompositionWork
    modules = try Parallel.map(pairs.count, work: work) { index throws in
      try Module(pairs[index].0, pairs[index].1)
    }
  }
}

extension SubspaceOverlap.Module {
  fileprivate init(_ a: AdapterModule, _ b: AdapterModule) throws {
    let (first, second) = (
      try LowRankProduct([(1, a)]).decomposed().space,
      try LowRankProduct([(1, b)]).decomposed().space
    )
    path = a.path
    do throws(MatrixFault) {
      columnCosines = try first.left.cosines(with: second.left)
      rowCosines = try first.right.cosines(with: second.right)
    } catch {
      throw error.error(module: a.path, rows: first.left.columns, columns: second.left.columns)
    }
  }
}

extension LowRankDecomposition {
  /// Orthonormal bases of the column and the row space: singular vectors of values over the noise.
  fileprivate var space: (left: Matrix, right: Matrix) { vectors(values.count { $0 > noise }) }
}

extension Matrix {
  /// The cosines of the principal angles between the spans of orthonormal columns.
  fileprivate func cosines(with other: Matrix) throws(MatrixFault) -> [Double] {
    try times(other, transposingSelf: true).singularValues().map { min(1, $0) }
  }
}
