public import Compute
public import DiffusionTransformers
internal import JSON
internal import ModelLoading
internal import Safetensors
internal import SystemPackage
internal import Tensors
internal import TestSupport
public import Testing

/// The recordings of one family and the tiny model they were made with.
public enum Recording: String, CaseIterable, CustomTestStringConvertible, Sendable {
  /// FLUX.1's.
  case flux
  /// Qwen-Image's.
  case qwen

  /// The folder's name.
  public var testDescription: String { rawValue }

  /// The transformer of the shipped model.
  public func transformer() throws -> any DiffusionTransformer {
    let folder = Fixtures.model(self == .flux ? "tiny-flux" : "tiny-qwen-image")
      .appending("transformer")
    let text = try contents(of: folder.appending("config.json"))
    let configuration = try ModelConfiguration(
      JSONValue(parsing: text), file: folder.appending("config.json"))
    let file = try SafetensorsFile(
      opening: folder.appending("diffusion_pytorch_model.safetensors"))
    let weights = WeightLoader(file: file.path, tensors: file.tensors)
    switch self {
    case .flux: return try FluxTransformer(configuration: configuration, weights: weights)
    case .qwen: return try QwenImageTransformer(configuration: configuration, weights: weights)
    }
  }

  private func contents(of file: FilePath) throws -> String {
    let descriptor = try FileDescriptor.open(file, .readOnly)
    return try descriptor.closeAfter {
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
      return String(decoding: bytes[..<count], as: UTF8.self)
    }
  }

  /// One of the recorded tensors as a matrix, or some row of its first axis.
  public func tensor(_ file: String, _ name: String, row: Int? = nil) throws -> Tensor {
    let view = try Goldens.open(rawValue, file).tensor(named: name)
    let whole = Tensor(shape: view.shape, view.floats())
    guard let row else { return whole }
    let size = whole.count / view.shape[0]
    return Tensor(
      shape: Array(view.shape.dropFirst()), Array(whole.floats[row * size..<(row + 1) * size]))
  }

  /// The recorded conditioning of one caption, without padding rows where the family masks them.
  public func conditioning(row: Int) throws -> Conditioning {
    let file = "forward.safetensors"
    let text = try tensor(file, "encoder_hidden_states", row: row)
    switch self {
    case .flux:
      let pooled = try tensor(file, "pooled_projections", row: row)
      return Conditioning(text: text, pooled: Tensor(shape: [1, pooled.count], pooled.floats))
    case .qwen:
      return Conditioning(text: text.rows(0..<(try textCount(row: row))))
    }
  }

  /// The recorded states of the negative prompt; nil where the family has no classifier-free guidance.
  public func negative() throws -> Conditioning? {
    guard self == .qwen else { return nil }
    return Conditioning(text: try tensor("text.safetensors", "negative_embeds", row: 0))
  }

  /// Rows of the text that are not padding.
  public func textCount(row: Int) throws -> Int {
    guard self == .qwen else {
      return try tensor("forward.safetensors", "encoder_hidden_states").shape[1]
    }
    let mask = try Goldens.open(rawValue, "forward.safetensors")
      .tensor(named: "encoder_hidden_states_mask")
    let length = mask.shape[1]
    return (0..<length).count { column in
      let place = 4 * (row * length + column)
      return unsafe mask.bytes.unsafeLoadUnaligned(fromByteOffset: place, as: Int32.self) == 1
    }
  }

  /// The guidance of one row; nil where the family takes none.
  public func guidance(row: Int) throws -> Float? {
    self == .flux ? try tensor("forward.safetensors", "guidance").floats[row] : nil
  }

  /// The factors of a recorded adapter, by module.
  public func adapter(
    _ file: String = "adapter.safetensors", prefix: String = "transformer.", scale: Float,
    isTrainable: Bool = false
  ) throws -> AttachedAdapters {
    let tensors = try Goldens.open(rawValue, file).tensors
    var adapters: AttachedAdapters = [:]
    for down in tensors where down.name.hasPrefix(prefix) && down.name.hasSuffix(".lora_A.weight") {
      let module = String(down.name.dropFirst(prefix.count).dropLast(".lora_A.weight".count))
      let up = try #require(tensors.first { $0.name == prefix + module + ".lora_B.weight" })
      adapters[module] = [
        LowRankFactors(
          down: Tensor(shape: down.shape, down.floats()),
          up: Tensor(shape: up.shape, up.floats()), scale: scale, isTrainable: isTrainable)
      ]
    }
    return adapters
  }
}

/// The recorded sizes of latents.
public enum RecordedSize: String, CaseIterable, Sendable {
  /// As high as wide.
  case square
  /// Wider than high.
  case nonsquare
}

extension Recording {
  /// Rows and columns of tokens of one of the forward recording's latents.
  public func grid(_ size: RecordedSize) throws -> TokenGrid {
    TokenGrid(latentShape: try tensor("forward.safetensors", "\(size).latent", row: 0).shape)
  }

  /// The rows of the forward recording: one for each caption.
  public func rows() throws -> Range<Int> {
    0..<(try tensor("forward.safetensors", "encoder_hidden_states").shape[0])
  }
}
