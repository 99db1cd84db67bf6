import Elements
import Tensors

/// Headers of published checkpoints at full size, listed by hand from the model classes of their
/// publishers, so that nothing here comes from `formats/`.
enum SyntheticCheckpoint {
  /// FLUX.1 under the names of black-forest-labs/flux.
  static func fluxBFL(
    inputs: Int = 64, guidance: Bool = true, prefix: String = "", doubleBlocks: Int = 19
  ) -> [TensorDescription] {
    let h = 3072
    var list = TensorList(prefix: prefix)
    list.linear("img_in", h, inputs)
    list.linear("txt_in", h, 4096)
    for embedder in ["time_in", "vector_in"] + (guidance ? ["guidance_in"] : []) {
      list.linear(embedder + ".in_layer", h, embedder == "vector_in" ? 768 : 256)
      list.linear(embedder + ".out_layer", h, h)
    }
    for n in 0..<doubleBlocks {
      for stream in ["img", "txt"] {
        let head = "double_blocks.\(n).\(stream)_"
        list.linear(head + "mod.lin", 6 * h, h)
        list.linear(head + "attn.qkv", 3 * h, h)
        list.tensor(head + "attn.norm.query_norm.scale", [128])
        list.tensor(head + "attn.norm.key_norm.scale", [128])
        list.linear(head + "attn.proj", h, h)
        list.linear(head + "mlp.0", 12288, h)
        list.linear(head + "mlp.2", h, 12288)
      }
    }
    for n in 0..<38 {
      let head = "single_blocks.\(n)."
      list.linear(head + "linear1", 21504, h)
      list.linear(head + "linear2", h, 15360)
      list.tensor(head + "norm.query_norm.scale", [128])
      list.tensor(head + "norm.key_norm.scale", [128])
      list.linear(head + "modulation.lin", 3 * h, h)
    }
    list.linear("final_layer.linear", 64, h)
    list.linear("final_layer.adaLN_modulation.1", 2 * h, h)
    return list.tensors
  }

  /// FLUX.1 under the names of diffusers' FluxTransformer2DModel.
  static func fluxDiffusers(inputs: Int = 64, guidance: Bool = true) -> [TensorDescription] {
    let h = 3072
    var list = TensorList()
    list.linear("x_embedder", h, inputs)
    list.linear("context_embedder", h, 4096)
    for embedder in ["timestep", "text"] + (guidance ? ["guidance"] : []) {
      list.linear(
        "time_text_embed.\(embedder)_embedder.linear_1", h, embedder == "text" ? 768 : 256)
      list.linear("time_text_embed.\(embedder)_embedder.linear_2", h, h)
    }
    for n in 0..<19 {
      let head = "transformer_blocks.\(n)."
      list.linear(head + "norm1.linear", 6 * h, h)
      list.linear(head + "norm1_context.linear", 6 * h, h)
      list.attention(head, h)
      for stream in ["ff", "ff_context"] {
        list.linear(head + stream + ".net.0.proj", 12288, h)
        list.linear(head + stream + ".net.2", h, 12288)
      }
    }
    for n in 0..<38 {
      let head = "single_transformer_blocks.\(n)."
      list.linear(head + "norm.linear", 3 * h, h)
      for name in ["to_q", "to_k", "to_v"] { list.linear(head + "attn." + name, h, h) }
      list.tensor(head + "attn.norm_q.weight", [128])
      list.tensor(head + "attn.norm_k.weight", [128])
      list.linear(head + "proj_mlp", 12288, h)
      list.linear(head + "proj_out", h, 15360)
    }
    list.linear("norm_out.linear", 2 * h, h)
    list.linear("proj_out", 64, h)
    return list.tensors
  }

  /// Qwen-Image under its only names.
  static func qwenImage(
    prefix: String = "", isLayered: Bool = false, marker: Bool = false, blocks: Int = 60
  ) -> [TensorDescription] {
    let h = 3072
    var list = TensorList(prefix: prefix)
    list.linear("img_in", h, 64)
    list.linear("txt_in", h, 3584)
    list.tensor("txt_norm.weight", [3584])
    list.linear("time_text_embed.timestep_embedder.linear_1", h, 256)
    list.linear("time_text_embed.timestep_embedder.linear_2", h, h)
    if isLayered { list.tensor("time_text_embed.addition_t_embedding.weight", [2, h]) }
    if marker { list.tensor("__index_timestep_zero__", [0], .f32) }
    for n in 0..<blocks {
      let head = "transformer_blocks.\(n)."
      list.attention(head, h)
      for stream in ["img", "txt"] {
        list.linear(head + stream + "_mod.1", 6 * h, h)
        list.linear(head + stream + "_mlp.net.0.proj", 12288, h)
        list.linear(head + stream + "_mlp.net.2", h, 12288)
      }
    }
    list.linear("norm_out.linear", 2 * h, h)
    list.linear("proj_out", 64, h)
    return list.tensors
  }
}

/// A list of headers that grows module by module.
struct TensorList {
  var prefix = ""
  var tensors: [TensorDescription] = []

  mutating func tensor(_ name: String, _ shape: [Int], _ dtype: DType = .bf16) {
    tensors.append(TensorDescription(name: prefix + name, dtype: dtype, shape: shape))
  }

  mutating func linear(_ path: String, _ outFeatures: Int, _ inFeatures: Int) {
    tensor(path + ".weight", [outFeatures, inFeatures])
    tensor(path + ".bias", [outFeatures])
  }

  mutating func attention(_ head: String, _ h: Int) {
    for name in [
      "to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out",
    ] { linear(head + "attn." + name, h, h) }
    for name in ["norm_q", "norm_k", "norm_added_q", "norm_added_k"] {
      tensor(head + "attn.\(name).weight", [128])
    }
  }
}
