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
    guard magnitude == nil else { return recipe.lengths != nil && hasPairOfLengths }
    return switch values {
    case .difference:
      parameter == .bias && recipe.bias != nil && modules.contains(path)
    case .replacement: recipe.takesNorms && parameter == .weight && columnCount == nil
    case .lowRank, .kronecker, .hadamard: false
    }
  }
}

extension AdapterPart {
  fileprivate func changesWithoutForm(in recipe: DialectRecipe) -> [ParameterChange] {
    let paths = Set(modules.map(\.path) + changes.lazy.filter(\.hasPairOfLengths).map(\.path))
    return changes.filter { !$0.hasForm(in: recipe, besides: paths) }
  }
}

extension Adapter {
  /// What this adapter changes besides low-rank pairs that a dialect has no form for; nothing for a dialect that
  /// isn't used for its family, or not known to be, which writing refuses.
  public func changesWithoutForm(in dialect: String) -> [ParameterChange] {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return [] }
    return parts.flatMap { $0.part.changesWithoutForm(in: recipe) }
  }

  /// This adapter without what a dialect has no form for besides low-rank pairs, and what that is.
  public func keepingForms(
    of dialect: String
  ) -> (adapter: Adapter, leftOut: [ParameterChange]) {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return (self, []) }
    var (adapter, leftOut) = (self, [ParameterChange]())
    adapter.parts = parts.map { name, part in
      var part = part
      let formless = part.changesWithoutForm(in: recipe)
      let names = Set(formless.map { "\($0.method) \($0.parameterName)" })
      part.changes.removeAll { names.contains("\($0.method) \($0.parameterName)") }
      leftOut += formless
      return (name, part)
    }.filter { $0.name == AdapterFile.transformer || !$0.part.isEmpty }
    return (adapter, leftOut)
  }

  /// The tensors of a file that are no factors, of the transformer's part.
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
    guard !changes.isEmpty || recipe.isComplete else { return [] }
    if let other = transformerPart.changesWithoutForm(in: recipe).first {
      throw AdapterWritingFault(
        detail: "dialect '\(dialect)' has no form for what is done to '\(other.parameterName)'")
    }
    if recipe.isComplete { try checkCompleteness(dialect: dialect) }
    let byName = Dictionary(
      changes.map { ($0.parameterName, $0) }, uniquingKeysWith: { first, _ in first })
    let biases = written.compactMap { module -> WrittenChange? in
      guard let bias = recipe.bias else { return nil }
      let parts = module.parts.map { $0.flatMap { byName["\($0.path).bias"] } }
      guard recipe.isComplete || parts.contains(where: { $0 != nil }) else { return nil }
      let scale = bias.isScaled && !module.bakes(options) ? module.commonScale ?? 1 : 1
      return WrittenChange(
        name: module.stem + bias.ending, parts: parts, rows: module.rows,
        swapsHalves: module.swapsHalves, readScale: scale)
    }
    let rules = family?.layouts.first { $0.name == recipe.names }?.rules ?? []
    let norms = changes.filter(\.isReplacement).map {
      WrittenChange(
        name: recipe.prefix + rules.name(of: $0.parameter.rawValue, ofModule: $0.path),
        parts: [$0], rows: [$0.rowCount], swapsHalves: false, readScale: 1)
    }
    return biases + norms
  }

  /// Refuses an adapter that leaves a layer or a norm of its model as it is, for a dialect whose loaders look
  /// for all of them.
  ///
  /// **Source:** black-forest-labs/flux, `modules/lora.py`, `replace_linear_with_lora`; huggingface/diffusers
  /// 0.42.1, `loaders/lora_conversion_utils.py`, `_convert_bfl_flux_control_lora_to_diffusers`.
  private func checkCompleteness(dialect: String) throws(AdapterWritingFault) {
    guard let family else { return }
    let replaced = Set(changes.filter(\.isReplacement).map(\.path))
    let adapted = Set(modules.map(\.path))
    let missing = architecture(of: family).modules.first {
      $0.template.kind == .linear ? !adapted.contains($0.path) : !replaced.contains($0.path)
    }
    guard let missing else { return }
    throw AdapterWritingFault(
      detail: "dialect '\(dialect)' is that of control LoRAs, which change every layer and every "
        + "norm, and this adapter has nothing for '\(missing.path)'; write another dialect")
  }

  /// What the modules tell of their model: as many blocks as the highest number says.
  private func architecture(of family: ModelFamily) -> Architecture {
    var counts: [String: Int] = [:]
    for kind in family.blocks {
      for template in family.modules where template.path.isInBlock(of: kind) {
        for module in modules {
          guard let block = template.path.block(of: module.path) else { continue }
          counts[kind.name] = max(counts[kind.name] ?? 0, block + 1)
        }
      }
    }
    return Architecture(
      family: family, dimensions: Dimensions(sizes: [:], blockCounts: counts))
  }
}

extension [Layout.Rule] {
  /// What a module's own parameter is called in a layout; the canonical name where it has no rules.
  fileprivate func name(of parameter: String, ofModule path: String) -> String {
    for rule in self where rule.parts.count == 1 {
      guard let block = rule.parts[0].block(of: path) else { continue }
      return rule.path.path(block: block) + "." + (rule.names(ofParameter: parameter)[0])
    }
    return "\(path).\(parameter)"
  }
}
