import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport

/// What adapters add to the weights, in double precision by the plain triple loop.
struct ExactDeltas {
  /// scale · B · A by module, `[out, in]`.
  private(set) var deltas: [String: [Double]] = [:]
  /// The same of the factors' magnitudes.
  private(set) var magnitudes: [String: [Double]] = [:]

  mutating func add(_ part: SmallPart, strength: Double) {
    let rows = part.up.count / part.rank
    let columns = part.down.count / part.rank
    let zeros = [Double](repeating: 0, count: rows * columns)
    var delta = deltas[part.module] ?? zeros
    var magnitude = magnitudes[part.module] ?? zeros
    for row in 0..<rows {
      for k in 0..<part.rank {
        let b = part.scale * strength * Double(part.up[row * part.rank + k])
        for column in 0..<columns {
          let product = b * Double(part.down[k * columns + column])
          delta[row * columns + column] += product
          magnitude[row * columns + column] += abs(product)
        }
      }
    }
    deltas[part.module] = delta
    magnitudes[part.module] = magnitude
  }
}

/// One module of an adapter, as it is meant.
struct SmallPart {
  let module: String
  let down: [Float]
  let up: [Float]
  let rank: Int
  let scale: Double
}

/// Adapter files in the dialects that are found, written by hand.
struct SmallAdapters {
  let model: SmallModel

  private func normals(_ count: Int, _ seed: UInt64, _ step: Int, _ spread: Float) -> [Float] {
    RandomStream(seed: seed, purpose: .test, step: UInt32(step)).normals(count: count)
      .map { $0 * spread }
  }

  private func factors(
    _ out: Int, _ columns: Int, rank: Int, _ seed: UInt64, _ step: Int
  ) -> (down: [Float], up: [Float]) {
    (
      normals(rank * columns, seed, 2 * step, 1 / Float(rank).squareRoot()),
      normals(out * rank, seed, 2 * step + 1, 0.02)
    )
  }

  /// PEFT's names, no alpha, ranks from 1 to 64.
  func peft(
    to path: FilePath, seed: UInt64 = 20, metadata: Metadata = []
  ) throws -> [SmallPart] {
    let ranks = [1, 2, 3, 5, 8, 16, 33, 64]
    var tensors: [TensorView] = []
    var parts: [SmallPart] = []
    for (number, module) in model.modules.enumerated()
    where module.path.contains("transformer_blocks") || module.path.contains("out") {
      let rank = ranks[number % ranks.count]
      let (down, up) = factors(module.out, module.columns, rank: rank, seed, number)
      let key = "transformer.\(module.path).lora_"
      tensors.append(TensorView(name: key + "A.weight", shape: [rank, module.columns], down))
      tensors.append(TensorView(name: key + "B.weight", shape: [module.out, rank], up))
      parts.append(.init(module: module.path, down: down, up: up, rank: rank, scale: 1))
    }
    try writeSafetensors(tensors, metadata: metadata, to: path, overwrite: false)
    return parts
  }

  /// kohya's fused names with alpha tensors; only for FLUX.1.
  ///
  /// Source: kohya-ss/sd-scripts, `networks/lora_flux.py`.
  func kohya(to path: FilePath, rank: Int = 6, alpha: Float = 3) throws -> [SmallPart] {
    let h = SmallModel.hidden
    let double = "transformer_blocks.0."
    let single = "single_transformer_blocks.0."
    let fused: [(key: String, columns: Int, modules: [String])] = [
      ("double_blocks_0_img_attn_qkv", h, ["to_q", "to_k", "to_v"].map { double + "attn." + $0 }),
      (
        "double_blocks_0_txt_attn_qkv", h,
        ["add_q_proj", "add_k_proj", "add_v_proj"].map { double + "attn." + $0 }
      ),
      ("double_blocks_0_img_mlp_2", SmallModel.mlp, [double + "ff.net.2"]),
      ("double_blocks_0_txt_mod_lin", h, [double + "norm1_context.linear"]),
      (
        "single_blocks_0_linear1", h,
        ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"].map { single + $0 }
      ),
      ("single_blocks_0_linear2", h + SmallModel.mlp, [single + "proj_out"]),
      ("final_layer_linear", h, ["proj_out"]),
    ]
    var tensors: [TensorView] = []
    var parts: [SmallPart] = []
    for (number, entry) in fused.enumerated() {
      let out = entry.modules.reduce(0) { $0 + model.size(of: $1).out }
      let (down, up) = factors(out, entry.columns, rank: rank, 40, number)
      let key = "lora_unet_\(entry.key)."
      tensors.append(
        TensorView(name: key + "lora_down.weight", shape: [rank, entry.columns], down))
      tensors.append(TensorView(name: key + "lora_up.weight", shape: [out, rank], up))
      tensors.append(TensorView(name: key + "alpha", shape: [], [alpha]))
      var row = 0
      for module in entry.modules {
        let end = row + model.size(of: module).out
        parts.append(
          .init(
            module: module, down: down, up: Array(up[row * rank..<end * rank]), rank: rank,
            scale: Double(alpha) / Double(rank)))
        row = end
      }
    }
    try writeSafetensors(tensors, to: path, overwrite: false)
    return parts
  }

  /// The names of Qwen-Image-Lightning: rank 64, alpha 8, no prefix.
  func lightning(to path: FilePath) throws -> [SmallPart] {
    var tensors: [TensorView] = []
    var parts: [SmallPart] = []
    for (number, module) in model.modules.enumerated()
    where module.path.contains("attn.") || module.path.contains("mlp") {
      let (down, up) = factors(module.out, module.columns, rank: 64, 60, number)
      tensors += [
        TensorView(
          name: module.path + ".lora_down.weight", shape: [64, module.columns], down),
        TensorView(name: module.path + ".lora_up.weight", shape: [module.out, 64], up),
        TensorView(name: module.path + ".alpha", shape: [], [8]),
      ]
      parts.append(.init(module: module.path, down: down, up: up, rank: 64, scale: 0.125))
    }
    try writeSafetensors(tensors, to: path, overwrite: false)
    return parts
  }
}
