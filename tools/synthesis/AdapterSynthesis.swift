internal import Adapters
package import Checkpoints
package import Elements
package import SystemPackage
internal import Tensors

/// An adapter with made-up factors for some modules of a model.
package struct AdapterSynthesis {
  private let architecture: Architecture
  private let modules: [Architecture.Module]
  private let rank: Int
  private let delta: Double
  private let seed: UInt64

  /// An adapter of some modules of a model.
  ///
  /// - Parameters:
  ///   - architecture: the model.
  ///   - modules: what it attaches to.
  ///   - rank: of every module.
  ///   - delta: root mean square of scale · B · A, as a share of the weights'.
  ///   - seed: of the values.
  package init(
    of architecture: Architecture, modules: [Architecture.Module], rank: Int, delta: Double,
    seed: UInt64
  ) {
    self.architecture = architecture
    self.modules = modules
    self.rank = rank
    self.delta = delta
    self.seed = seed
  }

  /// Writes the adapter in a dialect.
  package func write(to output: FilePath, dialect: String, dtype: DType, overwrite: Bool) throws {
    var options = AdapterWritingOptions()
    options.dtype = dtype
    options.form = .dialect(dialect)
    options.base = architecture
    options.overwrite = overwrite
    try adapter.write(to: output, options)
  }

  private var adapter: Adapter {
    // An element of B · A is a sum of `rank` products, whose deviation is √rank · a · b.
    let product = delta * Double(ValueSpread.uniform.deviation) / Double(rank).squareRoot()
    let spread = ValueSpread(mean: 0, deviation: Float(product.squareRoot()))
    let table = GaussianTable(seed: seed)
    let factors = modules.enumerated().map { number, module in
      let rows = module.outFeatures ?? 0
      let columns = module.inFeatures ?? 0
      return AdapterModule(
        path: module.path,
        down: table.tensor(number: 2 * number, shape: [rank, columns], like: spread),
        up: table.tensor(number: 2 * number + 1, shape: [rows, rank], like: spread))
    }
    return Adapter(family: architecture.family, modules: factors)
  }
}

extension GaussianTable {
  /// A float32 tensor.
  fileprivate func tensor(number: Int, shape: [Int], like spread: ValueSpread) -> TensorView {
    let bytes = bytes(of: 0..<shape.reduce(1, *), ofTensor: number, like: spread, as: .f32)
    return TensorView(name: "", dtype: .f32, shape: shape, copying: unsafe bytes.span.bytes)
  }
}
