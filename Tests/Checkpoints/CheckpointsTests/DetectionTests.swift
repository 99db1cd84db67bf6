import Checkpoints
import Elements
import Tensors
import Testing

/// Parameters and tensors of the published models: black-forest-labs/flux, `src/flux/util.py`, and
/// Qwen/Qwen-Image, counted on their model classes.
@Suite("Detecting full-size checkpoints")
struct DetectionTests {
  struct Case: Sendable {
    let tensors: [TensorDescription]
    let family: String
    let variant: String
    let layout: String
    let parameters: Int
    let tensorCount: Int
  }

  @Test(
    "names family, variant, layout and size",
    arguments: [
      Case(
        tensors: SyntheticCheckpoint.fluxBFL(), family: "flux1", variant: "dev", layout: "bfl",
        parameters: 11_901_408_320, tensorCount: 780),
      Case(
        tensors: SyntheticCheckpoint.fluxBFL(guidance: false), family: "flux1",
        variant: "schnell", layout: "bfl", parameters: 11_891_178_560, tensorCount: 776),
      Case(
        tensors: SyntheticCheckpoint.fluxBFL(inputs: 128), family: "flux1", variant: "control",
        layout: "bfl", parameters: 11_901_604_928, tensorCount: 780),
      Case(
        tensors: SyntheticCheckpoint.fluxBFL(inputs: 384, prefix: "model.diffusion_model."),
        family: "flux1", variant: "fill", layout: "comfyui", parameters: 11_902_391_360,
        tensorCount: 780),
      Case(
        tensors: SyntheticCheckpoint.fluxDiffusers(), family: "flux1", variant: "dev",
        layout: "diffusers", parameters: 11_901_408_320, tensorCount: 1160),
      Case(
        tensors: SyntheticCheckpoint.fluxDiffusers(guidance: false), family: "flux1",
        variant: "schnell", layout: "diffusers", parameters: 11_891_178_560, tensorCount: 1156),
      Case(
        tensors: SyntheticCheckpoint.qwenImage(), family: "qwen-image", variant: "image",
        layout: "diffusers", parameters: 20_430_401_088, tensorCount: 1933),
      Case(
        tensors: SyntheticCheckpoint.qwenImage(prefix: "model.diffusion_model.", isLayered: true),
        family: "qwen-image", variant: "layered", layout: "comfyui",
        parameters: 20_430_407_232, tensorCount: 1934),
      Case(
        tensors: SyntheticCheckpoint.qwenImage(marker: true), family: "qwen-image",
        variant: "edit-2511", layout: "diffusers", parameters: 20_430_401_088, tensorCount: 1934),
    ])
  func fullSize(_ expected: Case) throws {
    let found = CheckpointDescription(tensors: expected.tensors)
    #expect(found.family?.name == expected.family)
    #expect(found.variant?.name == expected.variant)
    #expect(found.layoutName == expected.layout)
    #expect(found.parameterCount == expected.parameters)
    #expect(found.tensorCount == expected.tensorCount)
    #expect(found.problems == [])
    #expect(found.architecture?.parameterCount == expected.parameters)
    let bytes = found.dtypes.reduce(0) { $0 + $1.byteCount }
    #expect(bytes == expected.parameters * 2)
  }

  @Test func everyShapeOfEveryLayoutIsDerived() throws {
    let found = CheckpointDescription(tensors: SyntheticCheckpoint.fluxBFL())
    let architecture = try #require(found.architecture)
    for layout in architecture.family.layouts {
      let tensors = architecture.entries(in: layout)
      #expect(tensors.count == (layout.namesOf == "bfl" ? 780 : 1160))
      #expect(tensors.allSatisfy { !$0.shape.contains(nil) })
    }
  }

  @Test func aPrunedModelIsAccepted() {
    let found = CheckpointDescription(tensors: SyntheticCheckpoint.fluxBFL(doubleBlocks: 8))
    #expect(found.problems == [])
    #expect(found.architecture?.dimensions.blockCount("double") == 8)
    // 11 blocks of 339,831,296 parameters fewer.
    #expect(found.parameterCount == 11_901_408_320 - 11 * 339_831_296)
  }

  @Test func aTransformerWithoutInputProjectionHasNoVariant() {
    let tensors = SyntheticCheckpoint.fluxBFL().filter { !$0.name.hasPrefix("img_in.") }
    let found = CheckpointDescription(tensors: tensors)
    #expect(found.family?.name == "flux1")
    #expect(found.variant == nil)
    #expect(
      found.problems == [
        .missing(tensor: "img_in.weight", shape: [3072, nil]),
        .missing(tensor: "img_in.bias", shape: [3072]),
      ])
  }

  /// A model is told by several of its tensors: whichever one is missing, that is what is said.
  @Test(arguments: ["bfl", "diffusers", "qwen-image"])
  func oneMissingTensorIsNamed(model: String) {
    let tensors =
      switch model {
      case "bfl": SyntheticCheckpoint.fluxBFL(doubleBlocks: 2)
      case "diffusers": SyntheticCheckpoint.fluxDiffusers()
      default: SyntheticCheckpoint.qwenImage(blocks: 2)
      }
    let whole = CheckpointDescription(tensors: tensors)
    for (position, tensor) in tensors.enumerated()
    where !tensor.name.contains("blocks.") || tensor.name.contains("blocks.0.") {
      var rest = tensors
      rest.remove(at: position)
      let found = CheckpointDescription(tensors: rest)
      #expect(found.family?.name == whole.family?.name, "\(tensor.name)")
      let missing = found.problems.map { problem in
        if case .missing(let name, _) = problem { name } else { "\(problem)" }
      }
      #expect(missing == [tensor.name])
    }
  }

  @Test func bundledComponentsAreCounted() {
    var list = TensorList()
    list.tensor("vae.decoder.conv_in.weight", [512, 16, 3, 3])
    list.tensor("text_encoders.clip_l.logit_scale", [])
    list.tensor("text_encoders.clip_l.transformer.text_model.final_layer_norm.weight", [768])
    list.tensor("text_encoders.t5xxl.transformer.shared.weight", [32128, 4096])
    let found = CheckpointDescription(
      tensors: SyntheticCheckpoint.fluxBFL(prefix: "model.diffusion_model.") + list.tensors)
    #expect(found.problems == [])
    #expect(found.tensorCount == 780)
    #expect(found.bundled.map(\.component) == ["vae", "text_encoder", "text_encoder_2"])
    #expect(found.bundled.map(\.tensorCount) == [1, 2, 1])
  }

  @Test(
    "refuses look-alikes by name",
    arguments: [
      ("single_stream_modulation.lin.weight", "FLUX.2"),
      ("distilled_guidance_layer.in_proj.weight", "Chroma"),
      ("txt_in.individual_token_refiner.blocks.0.norm1.weight", "HunyuanVideo"),
      ("txtfusion.projector.weight", "Krea 2"),
      ("txt_in.text_norm.weight", "Qwen-Image 2.1"),
    ])
  func lookAlikes(tensor: String, title: String) {
    for base in [SyntheticCheckpoint.fluxBFL(), SyntheticCheckpoint.qwenImage()] {
      let found = CheckpointDescription(
        tensors: base + [TensorDescription(name: tensor, dtype: .bf16, shape: [8, 8])])
      #expect(found.family == nil)
      #expect(found.problems == [.lookAlike(title: title)])
    }
  }

  /// Names: huggingface/diffusers, transformer_z_image.py, transformer_wan.py, unet_2d_condition.py;
  /// Wan-Video/Wan2.1, wan/modules/model.py; Stability-AI/generative-models, openaimodel.py;
  /// black-forest-labs/flux2, src/flux2/model.py; Stability-AI/sd3.5, mmditx.py.
  @Test(
    "names neighbours and counts their layers",
    arguments: [
      Neighbour(
        "Z-Image",
        ["x_pad_token": [1, 8], "cap_pad_token": [1, 8], "cap_embedder.1.weight": [8, 4]],
        ["layers": 3, "noise_refiner": 2], ".attention.to_q.weight"),
      Neighbour(
        "Lumina 2 or its kin",
        ["cap_embedder.1.weight": [8, 4], "noise_refiner.0.attention.k_norm.weight": [2]],
        ["layers": 3, "noise_refiner": 1], ".attention.qkv.weight"),
      Neighbour(
        "Wan", ["blocks.0.cross_attn.norm_q.weight": [8], "head.modulation": [1, 2, 8]],
        ["blocks": 4], ".self_attn.q.weight"),
      Neighbour(
        "Wan",
        [
          "condition_embedder.text_embedder.linear_1.weight": [8, 4],
          "blocks.0.attn1.to_q.weight": [8, 8],
        ], ["blocks": 4], ".attn2.to_q.weight"),
      Neighbour(
        "Stable Diffusion XL",
        [
          "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": [640, 2048],
          "label_emb.0.0.weight": [1280, 2816], "input_blocks.0.0.weight": [320, 4, 3, 3],
        ], ["input_blocks": 9, "output_blocks": 9], ".0.in_layers.0.weight"),
      Neighbour(
        "Stable Diffusion XL",
        [
          "add_embedding.linear_1.weight": [1280, 2816],
          "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": [640, 2048],
        ], ["down_blocks": 3, "up_blocks": 3], ".resnets.0.conv1.weight"),
      Neighbour(
        "Stable Diffusion 1",
        ["input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": [320, 768]],
        ["input_blocks": 12, "output_blocks": 12], ".0.in_layers.0.weight"),
      Neighbour(
        "Stable Diffusion 1",
        ["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": [320, 768]],
        ["down_blocks": 4, "up_blocks": 4], ".resnets.0.conv1.weight"),
      Neighbour(
        "Stable Diffusion 2",
        ["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": [320, 1024]],
        ["down_blocks": 4, "up_blocks": 4], ".resnets.0.conv1.weight"),
      Neighbour(
        "Stable Diffusion 3", ["joint_blocks.0.context_block.attn.qkv.weight": [12, 4]],
        ["joint_blocks": 5], ".x_block.attn.qkv.weight"),
      Neighbour(
        "FLUX.2", ["single_stream_modulation.lin.weight": [12, 4]],
        ["double_blocks": 2, "single_blocks": 6], ".norm.scale"),
      Neighbour(
        "Chroma", ["distilled_guidance_layer.in_proj.weight": [12, 4]],
        ["double_blocks": 2, "single_blocks": 6], ".norm.scale"),
    ])
  func neighbours(_ neighbour: Neighbour) {
    for prefix in ["", "model.diffusion_model."] {
      let found = CheckpointDescription(tensors: neighbour.tensors(prefix: prefix))
      #expect(found.problems == [.lookAlike(title: neighbour.title)])
      #expect(found.prefix == prefix && found.family == nil)
      #expect(
        Dictionary(uniqueKeysWithValues: found.layers.map { ($0.name, $0.count) })
          == neighbour.layers)
      #expect(found.parameterCount == neighbour.parameterCount)
    }
  }

  @Test func anUnknownFileIsUnknown() {
    var list = TensorList()
    list.linear("some.layer", 4, 4)
    let found = CheckpointDescription(tensors: list.tensors)
    guard case .unknown = found.subject else {
      Issue.record("recognised as \(found.subject)")
      return
    }
    #expect(found.parameterCount == 20)
  }
}

extension DetectionTests.Case: CustomTestStringConvertible {
  var testDescription: String { "\(family) \(variant) \(layout)" }
}

/// Tensors of a model that isn't read.
struct Neighbour: Sendable, CustomTestStringConvertible {
  let title: String
  private let signature: [String: [Int]]
  let layers: [String: Int]
  private let ending: String

  init(_ title: String, _ signature: [String: [Int]], _ layers: [String: Int], _ ending: String) {
    self.title = title
    self.signature = signature
    self.layers = layers
    self.ending = ending
  }

  var testDescription: String { "\(title) \(signature.keys.sorted()[0])" }

  private var own: [(name: String, shape: [Int])] {
    signature.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      + layers.sorted { $0.key < $1.key }.flatMap { list, count in
        (0..<count).map { ("\(list).\($0)\(ending)", [4, 4]) }
      }
  }

  var parameterCount: Int { own.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// The tensors under their names with a prefix, and one of another component beside a prefix.
  func tensors(prefix: String) -> [TensorDescription] {
    let beside = prefix.isEmpty ? [] : [("first_stage_model.x", [3, 3])]
    return (own.map { (prefix + $0.name, $0.shape) } + beside).map {
      TensorDescription(name: $0.0, dtype: .f16, shape: $0.1)
    }
  }
}
