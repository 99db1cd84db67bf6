internal import Adapters
internal import Checkpoints
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// What a merge writes, computed from headers and the adapters alone: for every tensor of the base
/// a copy, or the base and what is added to it.
public struct BakePlan: Sendable {
  /// One tensor of the output.
  struct Step: Sendable {
    let base: TensorView
    let dtype: DType
    let deltas: [LowRankDelta]
  }

  /// The files of the output, each with its tensors in the base's order.
  let files: [(name: String, steps: [Step])]
  /// Modules that are merged, in the order of the base's tensors.
  public let modules: [String]
  /// Modules of the adapters that have no place in the base.
  public let leftOut: [String]
  /// Bytes of all tensors of the output.
  public let byteCount: Int
  /// Title of the base's family and variant.
  public let baseTitle: String

  init(_ request: BakeRequest, base: BaseCheckpoint) throws(MergeError) {
    let source = base.source
    let description = base.description
    let architecture: Architecture
    do { architecture = try description.requireArchitecture(file: request.base) } catch {
      throw .checkpoint(error)
    }
    if let storage = description.storage {
      throw .unsupportedDType(base: request.base, tensor: "*", found: storage)
    }
    guard let layout = description.layout else {
      throw .usage("\(request.base): the layout of its tensors is not known")
    }
    let placements = architecture.weightPlacements(in: layout)
    let index = Dictionary(
      source.tensors.enumerated().map { (Array($0.element.name.utf8), $0.offset) },
      uniquingKeysWith: { first, _ in first })
    var contributions: [[String: [LowRankDelta.Factors]]] = Array(
      repeating: [:], count: source.tensors.count)
    var leftOut: [String] = []
    for merged in request.adapters {
      try Self.check(merged, request, architecture)
      var misfits: [String] = []
      for module in merged.adapter.modules {
        guard let placement = placements[module.path],
          let tensor = placement.names.lazy
            .compactMap({ index[Array((description.prefix + $0).utf8)] }).first,
          placement.rowCount == module.outFeatures,
          source.tensors[tensor].shape.count == 2,
          source.tensors[tensor].shape[1] == module.inFeatures
        else {
          misfits.append(module.path)
          continue
        }
        contributions[tensor][module.path, default: []].append(
          LowRankDelta.Factors(
            down: module.down.floats(), up: module.up.floats(), rank: module.rank,
            scale: module.scale * merged.strength))
      }
      guard misfits.isEmpty || request.isPartial else {
        throw .modulesDontLand(
          adapter: merged.file, base: request.base,
          moduleCount: merged.adapter.modules.count, modules: misfits)
      }
      leftOut += misfits
    }
    self.leftOut = leftOut
    baseTitle = description.variant?.title ?? architecture.family.title
    var steps: [[UInt8]: Step] = [:]
    var modules: [String] = []
    var byteCount = 0
    for (tensor, contribution) in zip(source.tensors, contributions) {
      let deltas = Self.deltas(tensor, contribution, placements)
      let dtype = request.dtype.flatMap { tensor.dtype.isWidenable ? $0 : nil } ?? tensor.dtype
      guard deltas.isEmpty && dtype == tensor.dtype || tensor.dtype.isWidenable else {
        throw .unsupportedDType(
          base: request.base, tensor: tensor.name, found: tensor.dtype.rawValue)
      }
      modules += deltas.map(\.module)
      byteCount += dtype.byteCount(shape: tensor.shape) ?? 0
      steps[Array(tensor.name.utf8)] = Step(base: tensor, dtype: dtype, deltas: deltas)
    }
    files = source.files.map { file in
      (
        file.lastComponent?.string ?? "model.safetensors",
        source.tensors.filter { $0.file == file }.compactMap { steps[Array($0.name.utf8)] }
      )
    }
    self.modules = modules
    self.byteCount = byteCount
  }

  private static func check(
    _ merged: MergedAdapter, _ request: BakeRequest, _ architecture: Architecture
  ) throws(MergeError) {
    if let family = merged.adapter.family, family.name != architecture.family.name {
      throw .otherFamily(
        adapter: merged.file, adapterFamily: family.title, base: request.base,
        baseFamily: architecture.family.title)
    }
    guard merged.strength.isFinite else {
      throw .usage("\(merged.file): expected a finite strength, found \(merged.strength)")
    }
  }

  /// What is added to a tensor; modules in the order of their rows.
  private static func deltas(
    _ tensor: TensorView, _ contribution: [String: [LowRankDelta.Factors]],
    _ placements: [String: WeightPlacement]
  ) -> [LowRankDelta] {
    contribution.compactMap { module, factors in placements[module].map { (module, factors, $0) } }
      .sorted { $0.2.firstRow < $1.2.firstRow }
      .flatMap { module, factors, placement in
        placement.runs.map { run in
          LowRankDelta(
            module: module, rows: run.tensorRow..<run.tensorRow + run.module.count,
            columns: tensor.shape[1],
            factors: factors.map { $0.rows(run.module) })
        }
      }
  }
}

extension LowRankDelta.Factors {
  /// The part of B that makes some of the module's rows.
  func rows(_ range: Range<Int>) -> Self {
    Self(
      down: down, up: Array(up[range.lowerBound * rank..<range.upperBound * rank]), rank: rank,
      scale: scale)
  }
}
