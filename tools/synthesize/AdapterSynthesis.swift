import Adapters
import Checkpoints
import Elements
import SystemPackage
import Tensors

/// An adapter with made-up factors for some modules of a model.
struct AdapterSynthesis {
  let architecture: Architecture
  let modules: [Architecture.Module]
  let rank: Int
  /// Root mean square of scale · B · A, as a share of the weights'.
  let delta: Double
  let seed: UInt64

  /// Writes the adapter in a dialect.
  func write(to output: FilePath, dialect: String, dtype: DType, overwrite: Bool) throws {
    var options = AdapterWritingOptions()
    options.dtype = dtype
    options.form = .dialect(dialect)
    options.base = architecture
    options.overwrite = overwrite
    try adapter.write(to: output, options)
  }

  private var adapter: Adapter {
    // An element of B · A is a sum of `rank` products, whose deviation is √rank · a · b.
    let product = delta * Double(CheckpointSynthesis.deviation) / Double(rank).squareRoot()
    let table = GaussianTable(dtype: .f32, deviation: Float(product.squareRoot()), seed: seed)
    let factors = modules.enumerated().map { number, module in
      let rows = module.outFeatures ?? 0
      let columns = module.inFeatures ?? 0
      return AdapterModule(
        path: module.path,
        down: table.tensor(number: 2 * number, shape: [rank, columns]),
        up: table.tensor(number: 2 * number + 1, shape: [rows, rank]))
    }
    return Adapter(family: architecture.family, modules: factors)
  }
}

extension GaussianTable {
  /// A float32 tensor of a table of that type.
  fileprivate func tensor(number: Int, shape: [Int]) -> TensorView {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(shape.reduce(elementSize, *))
    forEachPart(ofTensor: number, byteCount: shape.reduce(elementSize, *)) { part, _ in
      unsafe part.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
    return TensorView(name: "", dtype: .f32, shape: shape, copying: unsafe bytes.span.bytes)
  }
}
