internal import Checkpoints
internal import Elements
internal import Tensors

/// A checkpoint as one side of a difference.
struct PlacedCheckpoint {
  let checkpoint: OpenedCheckpoint
  let architecture: Architecture
  /// Names of the parameters that extraction looks at, and where they are, by module path.
  private let placements: [String: [String: WeightPlacement]]

  init(_ checkpoint: OpenedCheckpoint) throws {
    self.checkpoint = checkpoint
    let description = checkpoint.description
    let file = checkpoint.source.path
    try description.weights.requirePlain(in: file, under: description.prefix)
    architecture = try description.requireArchitecture(file: file)
    guard let layout = description.layout else {
      throw AlgebraError.usage("\(file): the layout of its tensors is not known")
    }
    placements = [
      "weight": architecture.placements(of: "weight", in: layout),
      "bias": architecture.placements(of: "bias", in: layout),
    ]
  }

  /// What model it is, for errors.
  var summary: String {
    let blocks = architecture.family.blocks.map {
      "\(architecture.dimensions.blockCount($0.name)) \($0.name)"
    }
    return "\(architecture.family.title) with blocks: " + blocks.joined(separator: ", ")
  }

  /// A parameter of a module, wherever the layout puts it.
  func rows(
    of parameter: String, in module: Architecture.Module
  ) throws -> WeightRows {
    let placement = placements[parameter]?[module.path]
    let name = placement?.names.first ?? "\(module.path).\(parameter)"
    let prefix = checkpoint.description.prefix
    let found = placement?.names.lazy.compactMap { checkpoint.source.find(prefix + $0) }.first
    guard let placement, let tensor = found else {
      throw TensorError.missingTensor(file: checkpoint.source.path, tensor: prefix + name)
    }
    return try WeightRows(tensor, placement)
  }
}

/// The rows of one module's parameter within a tensor of a checkpoint.
struct WeightRows: Sendable {
  let tensor: TensorView
  let placement: WeightPlacement

  /// Rows of a tensor of a floating type, all of them unless a placement is given.
  init(_ tensor: TensorView, _ placement: WeightPlacement? = nil) throws {
    guard tensor.dtype.isWidenable else {
      throw AlgebraError.unsupportedDType(tensor: tensor.name, found: tensor.dtype.rawValue)
    }
    self.tensor = tensor
    self.placement =
      placement
      ?? WeightPlacement(
        names: [tensor.name], firstRow: 0, rowCount: tensor.shape.first ?? 1, swapsHalves: false)
  }

  /// Rows of the module.
  var count: Int { placement.rowCount }
  /// Elements of a row.
  var columns: Int { tensor.shape.dropFirst().elementCount }

  /// Whether the tensor has the rows.
  var isInside: Bool {
    guard let rows = tensor.shape.first else { return false }
    return placement.firstRow + placement.rowCount <= rows
  }

  /// Writes some rows of the module, widened to float32, one after another.
  func read(_ range: Range<Int>, into output: inout MutableSpan<Float>) throws {
    for run in placement.runs {
      let part = range.clamped(to: run.module)
      guard !part.isEmpty else { continue }
      let first = run.tensorRow + part.lowerBound - run.module.lowerBound
      let start = (part.lowerBound - range.lowerBound) * columns
      let rows = tensor.rows(first..<first + part.count)
      var destination = output._mutatingExtracting(start..<start + part.count * columns)
      try rows.withBytes(0..<rows.byteCount) { widen($0, from: tensor.dtype, into: &destination) }
    }
  }
}
