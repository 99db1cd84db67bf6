import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport

/// A transformer of one double and one single block (Qwen-Image: one block) with random weights,
/// and where the rows of its modules lie in the published layout.
struct SmallModel {
  enum Family: String { case flux, qwen }

  static let hidden = 64
  static let mlp = 256
  let family: Family
  /// Modules with a weight, `[out, in]`.
  let modules: [(path: String, out: Int, columns: Int)]
  /// Names and shapes of all tensors in diffusers' layout.
  let shapes: [(name: String, shape: [Int])]

  init(_ family: Family) {
    self.family = family
    let h = Self.hidden
    var modules: [(path: String, out: Int, columns: Int)] = [
      (family == .flux ? "x_embedder" : "img_in", h, 64),
      (family == .flux ? "context_embedder" : "txt_in", h, 48),
      ("time_text_embed.timestep_embedder.linear_1", h, 256),
      ("time_text_embed.timestep_embedder.linear_2", h, h),
      ("norm_out.linear", 2 * h, h), ("proj_out", 64, h),
    ]
    let attention = [
      "to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out",
    ]
    let block = "transformer_blocks.0."
    modules += attention.map { (block + "attn." + $0, h, h) }
    let streams =
      family == .flux
      ? [("norm1.linear", "ff"), ("norm1_context.linear", "ff_context")]
      : [("img_mod.1", "img_mlp"), ("txt_mod.1", "txt_mlp")]
    for (modulation, mlp) in streams {
      modules += [
        (block + modulation, 6 * h, h), (block + mlp + ".net.0.proj", Self.mlp, h),
        (block + mlp + ".net.2", h, Self.mlp),
      ]
    }
    var norms = ["norm_q", "norm_k", "norm_added_q", "norm_added_k"].map {
      (block + "attn.\($0).weight", [32])
    }
    if family == .flux {
      let single = "single_transformer_blocks.0."
      modules += ["guidance_embedder", "text_embedder"].flatMap { name in
        [
          ("time_text_embed.\(name).linear_1", h, name == "text_embedder" ? 40 : 256),
          ("time_text_embed.\(name).linear_2", h, h),
        ]
      }
      modules += ["attn.to_q", "attn.to_k", "attn.to_v"].map { (single + $0, h, h) }
      modules += [
        (single + "norm.linear", 3 * h, h), (single + "proj_mlp", Self.mlp, h),
        (single + "proj_out", h, h + Self.mlp),
      ]
      norms += ["norm_q", "norm_k"].map { (single + "attn.\($0).weight", [32]) }
    } else {
      norms.append(("txt_norm.weight", [48]))
    }
    self.modules = modules
    shapes =
      modules.flatMap {
        [("\($0.path).weight", [$0.out, $0.columns]), ("\($0.path).bias", [$0.out])]
      } + norms.map { (name: $0.0, shape: $0.1) }
  }

  func size(of module: String) -> (out: Int, columns: Int) {
    modules.first { $0.path == module }.map { ($0.out, $0.columns) } ?? (0, 0)
  }

  /// Every tensor with values of a normal distribution, rounded to a dtype.
  func tensors(_ dtype: DType, spread: Float = 0.02, seed: UInt64 = 7) -> [TensorView] {
    shapes.enumerated().map { number, entry in
      let count = entry.shape.reduce(1, *)
      let values = RandomStream(seed: seed, purpose: .test, step: UInt32(number))
        .normals(count: count).map { $0 * spread }
      return view(entry.name, dtype, entry.shape, values)
    }
  }

  /// Writes the model as one file in diffusers' layout.
  @discardableResult
  func write(
    to path: FilePath, _ dtype: DType = .bf16, metadata: Metadata = []
  ) throws -> FilePath {
    try writeSafetensors(tensors(dtype), metadata: metadata, to: path, overwrite: false)
    return path
  }

  /// The tensor of the published layout that holds a module's weight, its first row there, and
  /// whether the halves of its rows are exchanged.
  ///
  /// Source: black-forest-labs/flux, `model.py`; huggingface/diffusers,
  /// `scripts/convert_flux_to_diffusers.py`.
  func published(_ module: String) -> (name: String, row: Int, isSwapped: Bool) {
    guard family == .flux else { return (module + ".weight", 0, false) }
    let h = Self.hidden
    let top = [
      "x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear",
      "norm_out.linear": "final_layer.adaLN_modulation.1",
    ]
    if let name = top[module] { return (name + ".weight", 0, module == "norm_out.linear") }
    let embedders = [
      "timestep_embedder": "time_in", "text_embedder": "vector_in",
      "guidance_embedder": "guidance_in",
    ]
    for (own, other) in embedders where module.contains(own) {
      return (other + (module.hasSuffix("1") ? ".in_layer" : ".out_layer") + ".weight", 0, false)
    }
    let parts = module.split(separator: ".", maxSplits: 2).map(String.init)
    if parts[0] == "single_transformer_blocks" {
      let rows = ["attn.to_q": 0, "attn.to_k": h, "attn.to_v": 2 * h, "proj_mlp": 3 * h]
      if let row = rows[parts[2]] { return ("single_blocks.0.linear1.weight", row, false) }
      let other = parts[2] == "proj_out" ? "linear2" : "modulation.lin"
      return ("single_blocks.0.\(other).weight", 0, false)
    }
    let rows = [
      "attn.to_q": ("img_attn.qkv", 0), "attn.to_k": ("img_attn.qkv", h),
      "attn.to_v": ("img_attn.qkv", 2 * h), "attn.add_q_proj": ("txt_attn.qkv", 0),
      "attn.add_k_proj": ("txt_attn.qkv", h), "attn.add_v_proj": ("txt_attn.qkv", 2 * h),
      "attn.to_out.0": ("img_attn.proj", 0), "attn.to_add_out": ("txt_attn.proj", 0),
      "norm1.linear": ("img_mod.lin", 0), "norm1_context.linear": ("txt_mod.lin", 0),
      "ff.net.0.proj": ("img_mlp.0", 0), "ff.net.2": ("img_mlp.2", 0),
      "ff_context.net.0.proj": ("txt_mlp.0", 0), "ff_context.net.2": ("txt_mlp.2", 0),
    ]
    let (name, row) = rows[parts[2]] ?? ("", 0)
    return ("double_blocks.0.\(name).weight", row, false)
  }
}

/// A tensor of values that are rounded to a dtype.
func view(_ name: String, _ dtype: DType, _ shape: [Int], _ values: [Float]) -> TensorView {
  var bytes = [UInt8](repeating: 0, count: values.count * dtype.bitCount / 8)
  var span = bytes.mutableSpan
  var raw = unsafe span.mutableBytes
  narrow(values.span, to: dtype, into: &raw)
  return unsafe TensorView(name: name, dtype: dtype, shape: shape, copying: bytes.span.bytes)
}

/// Bytes of a tensor.
func bytes(of tensor: TensorView) -> [UInt8] {
  unsafe tensor.bytes.withUnsafeBytes { unsafe Array($0) }
}
