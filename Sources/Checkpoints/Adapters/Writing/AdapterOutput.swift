internal import Checkpoints
internal import Elements
internal import SystemPackage
internal import Tensors

/// The tensors and metadata of an adapter file that is to be written.
struct AdapterOutput {
  /// In the order of the file.
  let tensors: [Entry]
  let metadata: Metadata
  /// What scales are baked into.
  let baked: [BakedFactors]

  init(
    _ adapter: Adapter, _ options: AdapterWritingOptions
  ) throws(AdapterWritingFault) {
    switch options.form {
    case .published:
      tensors = Self.published(adapter, dtype: options.dtype).sortedByName
      metadata = [("format", "pt")]
      baked = []
    case .dialect(let name):
      let recipe = try DialectRecipe.named(
        name, family: options.base?.family ?? adapter.family, candidates: adapter.familiesOfModules)
      try Self.check(options.alpha, of: adapter, recipe, dialect: name)
      let own = (adapter, try adapter.written(recipe, base: options.base))
      let parts = try [own] + adapter.writtenTextEncoders(recipe, dialect: name)
      let modules = parts.flatMap { $0.1 }
      let types = modules.map { $0.upType(options) }
      var tensors = zip(modules, types).flatMap { module, type in
        Self.tensors(of: module, upType: type, recipe, options)
      }
      for (part, modules) in parts {
        tensors += try part.writtenChanges(recipe, dialect: name, beside: modules, options)
          .map { $0.entry(options) }
        tensors += try part.writtenLengths(recipe, dialect: name, beside: modules).map(\.entry)
      }
      self.tensors = tensors.sortedByName
      baked = Self.baked(modules, types, options)
      metadata = Self.metadata(of: adapter, modules, recipe, options)
    }
  }

  /// Refuses a way to carry the scale that the dialect's readers do not have.
  ///
  /// Source: huggingface/diffusers, `loaders/lora_conversion_utils.py`, shares the scale out between
  /// the two factors, kohya-ss/musubi-tuner, `convert_lora.py`, by its root: alphas are positive.
  private static func check(
    _ policy: AdapterWritingOptions.AlphaPolicy, of adapter: Adapter, _ recipe: DialectRecipe,
    dialect: String
  ) throws(AdapterWritingFault) {
    if policy == .metadata, !recipe.readsHeader {
      throw AdapterWritingFault(
        detail: "programs that read dialect '\(dialect)' don't read its header; bake the scale or "
          + "write alpha tensors")
    }
    guard policy == .tensor else { return }
    if !recipe.allowsAlpha {
      throw AdapterWritingFault(
        detail: "programs that read dialect '\(dialect)' don't take alpha tensors; bake the scale")
    }
    for module in adapter.components.flatMap(\.modules) where module.scale < 0 {
      throw AdapterWritingFault(
        detail: "'\(module.name)' has the negative alpha \(module.alpha), which can't be written "
          + "as an alpha tensor; bake the scale")
    }
  }

  private static func baked(
    _ modules: [WrittenModule], _ types: [DType], _ options: AdapterWritingOptions
  ) -> [BakedFactors] {
    var baked: [BakedFactors] = []
    for (module, type) in zip(modules, types) where module.changesUp(options) {
      let found = baked.firstIndex { $0.stored == module.upDType && $0.written == type }
      let position = found ?? baked.count
      if found == nil { baked.append(BakedFactors(stored: module.upDType, written: type)) }
      baked[position].moduleCount += 1
      if type != .f32 && !module.hasExactScales { baked[position].roundedCount += 1 }
    }
    return baked
  }

  private static func tensors(
    of module: WrittenModule, upType: DType, _ recipe: DialectRecipe,
    _ options: AdapterWritingOptions
  ) -> [Entry] {
    let downType = options.dtype ?? module.downDType
    let bakes = module.bakes(options)
    var tensors = [
      Entry(
        description: TensorDescription(
          name: module.stem + recipe.down, dtype: downType,
          shape: [module.rank, module.inFeatures])
      ) { module.down(as: downType) },
      Entry(
        description: TensorDescription(
          name: module.stem + recipe.up, dtype: upType, shape: [module.outFeatures, module.rank])
      ) { module.up(as: upType, bakes: bakes) },
    ]
    if recipe.needsAlpha || options.alpha == .tensor {
      let alpha = Double(module.rank) * (bakes ? 1 : module.commonScale ?? 1)
      tensors.append(
        Entry(
          description: TensorDescription(name: module.stem + ".alpha", dtype: .f32, shape: [])
        ) { TensorView(name: "", shape: [], [Float(alpha)]).copiedBytes })
    }
    return tensors
  }

  private static func metadata(
    of adapter: Adapter, _ modules: [WrittenModule], _ recipe: DialectRecipe,
    _ options: AdapterWritingOptions
  ) -> Metadata {
    // diffusers refuses a file that has both alphas and a header that describes it.
    let list: Metadata
    if recipe.prefix == "transformer.", options.alpha != .tensor {
      let described = adapter.parts.filter { recipe.prefix(of: $0.name) == $0.name + "." }
      list = adapter.describedMetadata(described, base: options.base) {
        options.alpha == .bake ? Double($0.rank) : $0.alpha
      }
    } else {
      list = adapter.metadata.withoutDigests.withoutSingleScales.filter {
        $0.key != AdapterHeader.metadataKey
      }
    }
    guard list["ss_network_dim"] != nil else { return list }
    let rank = modules.map(\.rank).max() ?? 0
    let scale = options.alpha == .bake ? 1 : modules.compactMap(\.commonScale).max() ?? 1
    return list.setting([
      ("ss_network_dim", "\(rank)"), ("ss_network_alpha", "\(Double(rank) * scale)"),
    ])
  }

  /// Keys as the published scripts have them.
  ///
  /// Source: huggingface/diffusers, `utils/state_dict_utils.py`, `PEFT_TO_DIFFUSERS`: only these
  /// four names are turned into the older form.
  private static func published(_ adapter: Adapter, dtype: DType?) -> [Entry] {
    adapter.modules.flatMap { module in
      let isOld = ["to_q", "to_k", "to_v", "to_out.0"].contains(where: module.path.hasTargetSuffix)
      let endings =
        isOld
        ? (".lora.down.weight", ".lora.up.weight") : (".lora_A.weight", ".lora_B.weight")
      return [(module.down, endings.0), (module.up, endings.1)].map { factor, ending in
        let type = dtype ?? factor.dtype
        return Entry(
          description: TensorDescription(
            name: "transformer." + module.path + ending, dtype: type, shape: factor.shape)
        ) { factor.narrowed(to: type, times: 1) }
      }
    }
  }
}

extension TensorView {
  /// The elements times a factor in float32, rounded once to a floating type.
  func narrowed(to dtype: DType, times factor: Float) -> [UInt8] {
    if factor == 1 && dtype == self.dtype { return copiedBytes }
    var values = floats()
    if factor != 1 { for index in values.indices { values[index] *= factor } }
    var bytes = [UInt8](repeating: 0, count: dtype.byteCount(elements: values.count))
    var elements = bytes.mutableSpan
    var output = unsafe elements.mutableBytes
    narrow(values.span, to: dtype, into: &output)
    return bytes
  }

  /// A copy of the bytes.
  var copiedBytes: [UInt8] { unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
}
