public import Checkpoints
internal import Safetensors
public import SystemPackage
public import Tensors

/// How an adapter is written.
public struct AdapterWritingOptions: Sendable {
  /// Element type of the factors: F32 or BF16.
  public var dtype = DType.f32
  /// Which keys the file has.
  public var form = Form.diffusers
  /// The model that it was made for; lets targets be written as suffixes.
  public var base: Architecture?
  /// Whether an existing file may be replaced.
  public var overwrite = false

  /// Which keys and scales a file has.
  public enum Form: Sendable {
    /// PEFT's names under `transformer.`, the scale baked into B, alpha = rank, complete metadata:
    /// the one form that every loader reads as it is meant.
    case diffusers
    /// The form of the published training scripts, with its defects: no alpha although the scale is
    /// not baked, and old names for some targets. For comparing with those scripts only.
    case published
  }

  /// The clean form, float32, no overwriting.
  public init() {}
}

extension Adapter {
  /// Writes this adapter as one safetensors file and reads it back.
  ///
  /// B is multiplied by the scale in float32 and rounded once, to nearest even. Metadata is
  /// ``metadata`` with `format` and `lora_adapter_metadata` made true for what is written. Keys are
  /// in the order of their bytes, so the same adapter gives the same file.
  public func write(
    to path: FilePath, _ options: AdapterWritingOptions = AdapterWritingOptions()
  ) throws(AdapterError) {
    precondition(!modules.isEmpty, "an adapter has at least one module")
    let output = AdapterOutput(self, options)
    do {
      let writer = try SafetensorsWriter(
        creating: path, tensors: output.descriptions, metadata: output.metadata,
        overwrite: options.overwrite)
      for index in output.descriptions.indices {
        let bytes = output.bytes(at: index)
        try unsafe writer.write(bytes.span.bytes, tensor: index)
      }
      try writer.commit()
    } catch { throw .safetensors(error) }
    try output.verify(path)
  }

  /// The metadata that ``write(to:_:)`` gives a file of the clean form.
  public func cleanMetadata(base: Architecture? = nil) -> [(key: String, value: String)] {
    let described = metadata.value(of: AdapterHeader.metadataKey)
      .flatMap { try? AdapterHeader(parsing: $0, prefix: "transformer.") }
    let isTrue = described.map { header in
      modules.allSatisfy {
        header.rank(of: $0.path) == $0.rank && header.scale(of: $0.path, rank: $0.rank) == 1
      }
    }
    var list = metadata
    if list.value(of: "format") != "pt" {
      list = list.filter { !$0.key.utf8.elementsEqual("format".utf8) }
      list.insert(("format", "pt"), at: 0)
    }
    if isTrue == true { return list }
    // Digests of what the file was before don't hold any more.
    list = list.filter { !["sshs_model_hash", "sshs_legacy_hash"].contains($0.key) }
    let text = PEFTMetadata(modules: modules, base: base).text
    return list.setting([(AdapterHeader.metadataKey, text)])
  }
}

/// The tensors and metadata of an adapter file that is to be written.
private struct AdapterOutput {
  let descriptions: [TensorDescription]
  let metadata: [(key: String, value: String)]
  private let adapter: Adapter
  private let options: AdapterWritingOptions
  /// Module of each tensor, and whether it is the up factor.
  private let sources: [(module: Int, isUp: Bool)]

  init(_ adapter: Adapter, _ options: AdapterWritingOptions) {
    var entries: [(description: TensorDescription, source: (module: Int, isUp: Bool))] = []
    for (index, module) in adapter.modules.enumerated() {
      let (down, up) = Self.endings(of: module.path, form: options.form)
      for (factor, ending, isUp) in [(module.down, down, false), (module.up, up, true)] {
        let key = "transformer." + module.path + ending
        entries.append(
          (
            TensorDescription(name: key, dtype: options.dtype, shape: factor.shape),
            (index, isUp)
          ))
      }
    }
    entries.sort {
      $0.description.name.utf8.lexicographicallyPrecedes($1.description.name.utf8)
    }
    descriptions = entries.map(\.description)
    sources = entries.map(\.source)
    metadata =
      options.form == .published
      ? [("format", "pt")] : adapter.cleanMetadata(base: options.base)
    self.adapter = adapter
    self.options = options
  }

  /// Endings of the two keys of a module.
  ///
  /// Source: huggingface/diffusers, `utils/state_dict_utils.py`, `PEFT_TO_DIFFUSERS`: only these
  /// four names are turned into the older form.
  private static func endings(
    of path: String, form: AdapterWritingOptions.Form
  ) -> (down: String, up: String) {
    let renamed = ["to_q", "to_k", "to_v", "to_out.0"]
    if form == .published, renamed.contains(where: path.hasTargetSuffix) {
      return (".lora.down.weight", ".lora.up.weight")
    }
    return (".lora_A.weight", ".lora_B.weight")
  }

  /// The bytes of a tensor.
  func bytes(at index: Int) -> [UInt8] {
    let (position, isUp) = sources[index]
    let module = adapter.modules[position]
    let isBaked = isUp && options.form == .diffusers
    return (isUp ? module.up : module.down)
      .narrowed(to: options.dtype, times: isBaked ? Float(module.scale) : 1)
  }

  /// Makes sure that the file says what was meant: the same bytes, every module, no problem.
  func verify(_ path: FilePath) throws(AdapterError) {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(opening: path) } catch { throw .safetensors(error) }
    guard file.tensors.map(\.description) == descriptions else {
      throw .readBackDiffers(file: path, detail: "names or shapes")
    }
    for (index, tensor) in file.tensors.enumerated() where tensor.copiedBytes != bytes(at: index) {
      throw .readBackDiffers(file: path, detail: "tensor '\(tensor.name)'")
    }
    let reading = AdapterFile(path: path, tensors: file.tensors, metadata: file.metadata)
    let found = Set(reading.entries.flatMap(\.paths))
    guard found == Set(adapter.modules.map(\.path)), reading.entries.count == found.count else {
      throw .readBackDiffers(
        file: path, detail: "\(found.count) of \(adapter.modules.count) modules")
    }
    guard options.form == .diffusers else { return }
    if let problem = reading.problems.first {
      throw .readBackDiffers(file: path, detail: problem.description)
    }
    guard reading.entries.allSatisfy({ $0.scale == 1 && $0.scaleSource == .header }) else {
      throw .readBackDiffers(file: path, detail: "scales")
    }
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
