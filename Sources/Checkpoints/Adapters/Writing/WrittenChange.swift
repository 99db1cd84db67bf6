internal import Checkpoints
internal import Elements
internal import Tensors

/// A tensor of a file that is written beside the factors: what is added to the bias of a module, or of several
/// that the dialect fuses, or what a norm's scales become.
struct WrittenChange {
  /// Its name in the file.
  let name: String
  /// The modules' changes in the order of the rows; nil for a module without one.
  fileprivate let parts: [ParameterChange?]
  /// How many rows each part has.
  fileprivate let rows: [Int]
  /// Whether the halves of the first axis stand in the other order.
  fileprivate let swapsHalves: Bool
  /// The scale of the factors beside it, which its readers multiply it by; 1 where they don't.
  fileprivate let readScale: Double

  private var present: [ParameterChange] { parts.compactMap(\.self) }

  /// Elements.
  private var count: Int { rows.reduce(0, +) }

  /// The dtype of all parts when they have one, else float32.
  private var ownType: DType {
    let types = Set(present.map { $0.vector.dtype })
    return types.count == 1 ? types.first ?? .f32 : .f32
  }

  /// The tensor in a file: times its scale it is rounded to float32, as B is, and to its type.
  func entry(_ options: AdapterWritingOptions) -> AdapterOutput.Entry {
    let isRounded = present.contains { $0.scale != readScale }
    let type = options.dtype ?? (isRounded ? .f32 : ownType)
    return AdapterOutput.Entry(
      description: TensorDescription(name: name, dtype: type, shape: [count])
    ) { bytes(as: type) }
  }

  private func bytes(as dtype: DType) -> [UInt8] {
    var values: [Float] = []
    for (part, count) in zip(parts, rows) {
      guard let part else {
        values += [Float](repeating: 0, count: count)
        continue
      }
      let stored = part.vector.floats()
      // A scale of 0 is the readers' too.
      let factor = part.scale == readScale ? 1 : part.scale / readScale
      values += part.rows.flatMap { stored[$0] }.map { Float(Double($0) * factor) }
    }
    if swapsHalves { values = Array(values[(count / 2)...] + values[..<(count / 2)]) }
    return TensorView(name: "", shape: [count], values).narrowed(to: dtype, times: 1)
  }
}

extension ParameterChange {
  /// The numbers of a change of one axis.
  fileprivate var vector: TensorView { values.tensors[0] }

  /// Whether a dialect has a form for it, in an adapter with low-rank pairs of some modules.
  func hasForm(in recipe: DialectRecipe, besides modules: Set<String>) -> Bool {
    guard magnitude == nil else { return false }
    return switch values {
    case .difference:
      parameter == .bias && recipe.bias != nil && modules.contains(path)
    case .replacement: recipe.takesNorms
    case .lowRank, .kronecker, .hadamard: false
    }
  }
}

extension Adapter {
  /// What this adapter changes besides low-rank pairs that a dialect has no form for.
  public func changesWithoutForm(in dialect: String) -> [ParameterChange] {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return changes }
    return changesWithoutForm(in: recipe)
  }

  private func changesWithoutForm(in recipe: DialectRecipe) -> [ParameterChange] {
    let paths = Set(modules.map(\.path))
    return changes.filter { !$0.hasForm(in: recipe, besides: paths) }
  }

  /// The tensors of a file that are no factors.
  ///
  /// Source: huggingface/peft, `tuners/lora/layer.py`: `lora_B.bias` is multiplied by the scale as the factors are;
  /// Comfy-Org/ComfyUI, `comfy/lora.py`: `.diff_b` is not; huggingface/diffusers, `loaders/lora_pipeline.py`,
  /// `_control_lora_supported_norm_keys`: norms stand under their parameters' names.
  ///
  /// - Parameters:
  ///   - recipe: how the dialect names them.
  ///   - dialect: its name.
  ///   - written: the modules' factors.
  ///   - options: how they are written.
  /// - Returns: biases in the order of their modules, then norms.
  /// - Throws: ``AdapterWritingFault`` for a change that the dialect has no form for.
  func writtenChanges(
    _ recipe: DialectRecipe, dialect: String, beside written: [WrittenModule],
    _ options: AdapterWritingOptions
  ) throws(AdapterWritingFault) -> [WrittenChange] {
    guard !changes.isEmpty else { return [] }
    if let other = changesWithoutForm(in: recipe).first {
      throw AdapterWritingFault(
        detail: "dialect '\(dialect)' has no form for what is done to '\(other.parameterName)'")
    }
    let byName = Dictionary(
      changes.map { ($0.parameterName, $0) }, uniquingKeysWith: { first, _ in first })
    let biases = written.compactMap { module -> WrittenChange? in
      guard let bias = recipe.bias else { return nil }
      let parts = module.parts.map { $0.flatMap { byName["\($0.path).bias"] } }
      guard parts.contains(where: { $0 != nil }) else { return nil }
      let scale = bias.isScaled && !module.bakes(options) ? module.commonScale ?? 1 : 1
      return WrittenChange(
        name: module.stem + bias.ending, parts: parts, rows: module.rows,
        swapsHalves: module.swapsHalves, readScale: scale)
    }
    let norms = changes.filter(\.isReplacement).map {
      WrittenChange(
        name: "\(recipe.stem($0.path)).\($0.parameter.rawValue)", parts: [$0],
        rows: [$0.rowCount], swapsHalves: false, readScale: 1)
    }
    return biases + norms
  }
}
