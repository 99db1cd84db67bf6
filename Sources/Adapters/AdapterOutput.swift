internal import Checkpoints
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// The tensors and metadata of an adapter file that is to be written.
struct AdapterOutput {
  /// In the order of the file.
  let tensors: [Tensor]
  let metadata: [(key: String, value: String)]

  /// One tensor, made when it is written.
  struct Tensor {
    let description: TensorDescription
    let bytes: () -> [UInt8]
  }

  init(
    _ adapter: Adapter, _ options: AdapterWritingOptions
  ) throws(AdapterWritingFault) {
    switch options.form {
    case .published:
      tensors = Self.published(adapter, dtype: options.dtype).sortedByName
      metadata = [("format", "pt")]
    case .dialect(let name):
      let recipe = try DialectRecipe.named(name, family: options.base?.family ?? adapter.family)
      if options.alpha == .metadata, recipe.prefix != "transformer." {
        throw AdapterWritingFault(
          detail: "programs that read dialect '\(name)' don't read its header")
      }
      if options.alpha == .tensor, !recipe.allowsAlpha {
        throw AdapterWritingFault(
          detail: "loaders of dialect '\(name)' fail on alpha tensors; bake the scale")
      }
      let modules = try adapter.written(recipe, base: options.base)
      tensors = modules.flatMap { Self.tensors(of: $0, recipe, options) }.sortedByName
      metadata = Self.metadata(of: adapter, modules, recipe, options)
    }
  }

  private static func tensors(
    of module: WrittenModule, _ recipe: DialectRecipe, _ options: AdapterWritingOptions
  ) -> [Tensor] {
    let dtype = options.dtype ?? module.dtype
    // Fused modules of different scales have no common one to leave outside.
    let bakes = options.alpha == .bake || module.commonScale == nil
    var tensors = [
      Tensor(
        description: TensorDescription(
          name: module.stem + recipe.down, dtype: dtype, shape: [module.rank, module.inFeatures])
      ) { module.down(as: dtype) },
      Tensor(
        description: TensorDescription(
          name: module.stem + recipe.up, dtype: dtype, shape: [module.outFeatures, module.rank])
      ) { module.up(as: dtype, bakes: bakes) },
    ]
    if recipe.needsAlpha || options.alpha == .tensor {
      let alpha = Double(module.rank) * (bakes ? 1 : module.commonScale ?? 1)
      tensors.append(
        Tensor(
          description: TensorDescription(name: module.stem + ".alpha", dtype: .f32, shape: [])
        ) { TensorView(name: "", shape: [], [Float(alpha)]).copiedBytes })
    }
    return tensors
  }

  private static func metadata(
    of adapter: Adapter, _ modules: [WrittenModule], _ recipe: DialectRecipe,
    _ options: AdapterWritingOptions
  ) -> [(key: String, value: String)] {
    // diffusers refuses a file that has both alphas and a header that describes it.
    if recipe.prefix == "transformer.", options.alpha != .tensor {
      return adapter.describedMetadata(base: options.base) {
        options.alpha == .bake ? Double($0.rank) : $0.alpha
      }
    }
    let list = adapter.metadata.withoutDigests.filter { $0.key != AdapterHeader.metadataKey }
    guard list.value(of: "ss_network_dim") != nil else { return list }
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
  private static func published(_ adapter: Adapter, dtype: DType?) -> [Tensor] {
    adapter.modules.flatMap { module in
      let isOld = ["to_q", "to_k", "to_v", "to_out.0"].contains(where: module.path.hasTargetSuffix)
      let endings =
        isOld
        ? (".lora.down.weight", ".lora.up.weight") : (".lora_A.weight", ".lora_B.weight")
      return [(module.down, endings.0), (module.up, endings.1)].map { factor, ending in
        let type = dtype ?? factor.dtype
        return Tensor(
          description: TensorDescription(
            name: "transformer." + module.path + ending, dtype: type, shape: factor.shape)
        ) { factor.narrowed(to: type, times: 1) }
      }
    }
  }
}

/// Reading back.
extension AdapterOutput {
  /// Makes sure that the file says what was meant: the same bytes, every module, no problem.
  func verify(
    _ path: FilePath, against adapter: Adapter, _ options: AdapterWritingOptions
  ) throws(AdapterError) {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(opening: path) } catch { throw .safetensors(error) }
    guard file.tensors.map(\.description) == tensors.map(\.description) else {
      throw .readBackDiffers(file: path, detail: "names or shapes")
    }
    for (written, found) in zip(tensors, file.tensors) where found.copiedBytes != written.bytes() {
      throw .readBackDiffers(file: path, detail: "tensor '\(found.name)'")
    }
    let reading = AdapterFile(path: path, tensors: file.tensors, metadata: file.metadata)
    let paths = reading.entries.flatMap(\.paths)
    let found = Set(paths)
    guard found.isSuperset(of: adapter.modules.map(\.path)), found.count == paths.count else {
      throw .readBackDiffers(
        file: path, detail: "\(found.count) of \(adapter.modules.count) modules")
    }
    guard options.form != .published else { return }
    for problem in reading.problems {
      // What is asked for may well deserve a warning.
      if case .alphaAssumed = problem, options.alpha == .bake { continue }
      if problem.isError { throw .readBackDiffers(file: path, detail: problem.description) }
    }
    let isBaked = options.alpha == .bake
    guard reading.entries.allSatisfy({ !isBaked || $0.scale == 1 }) else {
      throw .readBackDiffers(file: path, detail: "scales")
    }
  }
}

extension [AdapterOutput.Tensor] {
  fileprivate var sortedByName: Self {
    sorted { $0.description.name.utf8.lexicographicallyPrecedes($1.description.name.utf8) }
  }
}

extension [(key: String, value: String)] {
  /// The list without digests of a file that is written anew.
  var withoutDigests: Self {
    filter { !["sshs_model_hash", "sshs_legacy_hash", "modelspec.hash_sha256"].contains($0.key) }
  }
}

extension TensorView {
  /// The elements times a factor in float32, rounded once to a floating type.
  func narrowed(to dtype: DType, times factor: Float) -> [UInt8] {
    if factor == 1 && dtype == self.dtype { return copiedBytes }
    var values = floats()
    if factor != 1 { for index in values.indices { values[index] *= factor } }
    var bytes = [UInt8](repeating: 0, count: values.count * dtype.bitCount / 8)
    var elements = bytes.mutableSpan
    var output = unsafe elements.mutableBytes
    narrow(values.span, to: dtype, into: &output)
    return bytes
  }

  /// A copy of the bytes.
  var copiedBytes: [UInt8] { unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
}
