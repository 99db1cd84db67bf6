public import Elements
internal import Safetensors
public import SystemPackage
public import Tensors

/// Sizes of a tiny transformer: every published variant, and widths that no published one has.
public struct TinyModel: Sendable, CustomStringConvertible {
  /// What is special about it.
  public let title: String
  /// Whether it is Qwen-Image rather than FLUX.1.
  public let isQwen: Bool
  /// Columns of the first layer.
  public let inputs: Int
  /// Width of the tokens.
  public let hidden: Int
  /// Width inside the MLPs.
  public let mlp: Int
  /// Width of a head.
  public let head: Int
  /// Number of double blocks, or of blocks of Qwen-Image.
  public let doubleBlocks: Int
  /// Number of single blocks.
  public let singleBlocks: Int
  /// Whether guidance is embedded.
  public let guidance: Bool
  /// Whether it is the layered variant of Qwen-Image.
  public let isLayered: Bool
  /// Whether ComfyUI's marker of Edit-2511 is there.
  public let marker: Bool

  /// A model of these sizes.
  public init(
    title: String, isQwen: Bool = false, inputs: Int = 64, hidden: Int = 12, mlp: Int = 48,
    head: Int = 4, doubleBlocks: Int = 2, singleBlocks: Int = 2, guidance: Bool = true,
    isLayered: Bool = false, marker: Bool = false
  ) {
    self.title = title
    self.isQwen = isQwen
    self.inputs = inputs
    self.hidden = hidden
    self.mlp = mlp
    self.head = head
    self.doubleBlocks = doubleBlocks
    self.singleBlocks = singleBlocks
    self.guidance = guidance
    self.isLayered = isLayered
    self.marker = marker
  }

  /// What is special about it.
  public var description: String { title }

  /// FLUX.1: every published variant, and others that the family allows.
  public static let flux: [TinyModel] = [
    TinyModel(title: "dev"),
    TinyModel(title: "schnell", guidance: false),
    TinyModel(title: "fill", inputs: 384),
    TinyModel(title: "control", inputs: 128),
    TinyModel(title: "pruned to one double block", doubleBlocks: 1, singleBlocks: 1),
    TinyModel(title: "three heads of six, an odd mlp", hidden: 18, mlp: 37, head: 6),
    TinyModel(title: "seven heads of two", hidden: 14, mlp: 5, head: 2, doubleBlocks: 3),
  ]

  /// Qwen-Image: the same.
  public static let qwen: [TinyModel] = [
    TinyModel(title: "image", isQwen: true),
    TinyModel(title: "edit-2511", isQwen: true, marker: true),
    TinyModel(title: "layered", isQwen: true, isLayered: true),
    TinyModel(
      title: "one block of three heads", isQwen: true, hidden: 18, mlp: 7, head: 6, doubleBlocks: 1),
  ]

  /// The names and shapes of the model, as its publisher has them.
  public func tensors(prefix: String = "") -> [(name: String, shape: [Int])] {
    (isQwen ? qwenTensors : fluxTensors).map { (prefix + $0.name, $0.shape) }
  }

  /// Source: black-forest-labs/flux, `src/flux/model.py`, `Flux`.
  private var fluxTensors: [(name: String, shape: [Int])] {
    let h = hidden
    var list = TensorNames()
    list.linear("img_in", h, inputs)
    list.linear("txt_in", h, 20)
    for embedder in ["time_in", "vector_in"] + (guidance ? ["guidance_in"] : []) {
      list.linear(embedder + ".in_layer", h, embedder == "vector_in" ? 10 : 16)
      list.linear(embedder + ".out_layer", h, h)
    }
    for n in 0..<doubleBlocks {
      for stream in ["img", "txt"] {
        let block = "double_blocks.\(n).\(stream)_"
        list.linear(block + "mod.lin", 6 * h, h)
        list.linear(block + "attn.qkv", 3 * h, h)
        list.tensors.append((block + "attn.norm.query_norm.scale", [head]))
        list.tensors.append((block + "attn.norm.key_norm.scale", [head]))
        list.linear(block + "attn.proj", h, h)
        list.linear(block + "mlp.0", mlp, h)
        list.linear(block + "mlp.2", h, mlp)
      }
    }
    for n in 0..<singleBlocks {
      let block = "single_blocks.\(n)."
      list.linear(block + "linear1", 3 * h + mlp, h)
      list.linear(block + "linear2", h, h + mlp)
      list.tensors.append((block + "norm.query_norm.scale", [head]))
      list.tensors.append((block + "norm.key_norm.scale", [head]))
      list.linear(block + "modulation.lin", 3 * h, h)
    }
    list.linear("final_layer.linear", 64, h)
    list.linear("final_layer.adaLN_modulation.1", 2 * h, h)
    return list.tensors
  }

  /// Source: huggingface/diffusers, `models/transformers/transformer_qwenimage.py`.
  private var qwenTensors: [(name: String, shape: [Int])] {
    let h = hidden
    var list = TensorNames()
    list.linear("img_in", h, inputs)
    list.tensors.append(("txt_norm.weight", [20]))
    list.linear("txt_in", h, 20)
    list.linear("time_text_embed.timestep_embedder.linear_1", h, 16)
    list.linear("time_text_embed.timestep_embedder.linear_2", h, h)
    if isLayered {
      list.tensors.append(("time_text_embed.addition_t_embedding.weight", [2, h]))
    }
    for n in 0..<doubleBlocks {
      let block = "transformer_blocks.\(n)."
      for stream in ["img", "txt"] {
        list.linear(block + stream + "_mod.1", 6 * h, h)
        list.linear(block + stream + "_mlp.net.0.proj", mlp, h)
        list.linear(block + stream + "_mlp.net.2", h, mlp)
      }
      for name in ["to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj"] {
        list.linear(block + "attn." + name, h, h)
      }
      for name in ["to_out.0", "to_add_out"] { list.linear(block + "attn." + name, h, h) }
      for name in ["norm_q", "norm_k", "norm_added_q", "norm_added_k"] {
        list.tensors.append((block + "attn.\(name).weight", [head]))
      }
    }
    list.linear("norm_out.linear", 2 * h, h)
    list.linear("proj_out", 64, h)
    return list.tensors
  }

  /// Writes a checkpoint of normal random numbers, all of them other ones.
  public func write(
    to path: FilePath, dtype: DType = .bf16, deviation: Float = 0.02, prefix: String = "",
    seed: UInt64 = 1
  ) throws {
    var views: [TensorView] = []
    for (number, tensor) in tensors(prefix: prefix).enumerated() {
      let stream = RandomStream(seed: seed, purpose: .test, step: UInt32(number))
      let values = stream.normals(count: tensor.shape.reduce(1, *)).map { $0 * deviation }
      let view = TensorView(name: tensor.name, shape: tensor.shape, values)
      views.append(dtype == .f32 ? view : view.cast(to: dtype))
    }
    if marker { views.append(TensorView(name: prefix + "__index_timestep_zero__", shape: [0], [])) }
    try writeSafetensors(
      views, metadata: [("modelspec.title", "tiny \(title)"), ("format", "pt")], to: path,
      overwrite: false)
  }
}

private struct TensorNames {
  var tensors: [(name: String, shape: [Int])] = []

  mutating func linear(_ name: String, _ rows: Int, _ columns: Int) {
    tensors.append((name + ".weight", [rows, columns]))
    tensors.append((name + ".bias", [rows]))
  }
}

extension TensorView {
  /// The same numbers rounded to another type.
  public func cast(to target: DType) -> TensorView {
    var output = [UInt8](repeating: 0, count: elementCount * target.bitCount / 8)
    var span = output.mutableSpan
    var raw = unsafe span.mutableBytes
    Elements.cast(bytes, from: dtype, to: target, into: &raw)
    return unsafe TensorView(
      name: name, dtype: target, shape: shape, copying: output.span.bytes)
  }
}
