import Checkpoints
import Elements
import JSON
import SystemPackage
import Tensors
import Testing

/// What `synthesize-checkpoint` writes is the published model: the lists by hand in
/// ``SyntheticCheckpoint``, and the parameters counted on the publishers' model classes.
@Suite("The architecture of a published model")
struct PublishedArchitectureTests {
  struct Case: Sendable {
    let family: String
    let variant: String
    let layout: String
    let parameters: Int
    let tensors: [TensorDescription]
  }

  static let cases = [
    Case(
      family: "flux1", variant: "dev", layout: "bfl", parameters: 11_901_408_320,
      tensors: SyntheticCheckpoint.fluxBFL()),
    Case(
      family: "flux1", variant: "dev", layout: "diffusers", parameters: 11_901_408_320,
      tensors: SyntheticCheckpoint.fluxDiffusers()),
    Case(
      family: "flux1", variant: "schnell", layout: "bfl", parameters: 11_891_178_560,
      tensors: SyntheticCheckpoint.fluxBFL(guidance: false)),
    Case(
      family: "flux1", variant: "schnell", layout: "diffusers", parameters: 11_891_178_560,
      tensors: SyntheticCheckpoint.fluxDiffusers(guidance: false)),
    Case(
      family: "flux1", variant: "control", layout: "bfl", parameters: 11_901_604_928,
      tensors: SyntheticCheckpoint.fluxBFL(inputs: 128)),
    Case(
      family: "flux1", variant: "fill", layout: "diffusers", parameters: 11_902_391_360,
      tensors: SyntheticCheckpoint.fluxDiffusers(inputs: 384)),
    Case(
      family: "qwen-image", variant: "image", layout: "diffusers", parameters: 20_430_401_088,
      tensors: SyntheticCheckpoint.qwenImage()),
    Case(
      family: "qwen-image", variant: "layered", layout: "diffusers", parameters: 20_430_407_232,
      tensors: SyntheticCheckpoint.qwenImage(isLayered: true)),
  ]

  @Test("has exactly its tensors and parameters", arguments: cases)
  func tensors(_ expected: Case) throws {
    let architecture = try Self.architecture(expected.family, expected.variant)
    let layout = try #require(
      architecture.family.layouts.first { $0.name == expected.layout })
    let found = architecture.entries(in: layout).map {
      TensorDescription(name: $0.names[0], dtype: .bf16, shape: $0.shape.map { $0 ?? -1 })
    }
    #expect(architecture.parameterCount == expected.parameters)
    #expect(Self.sorted(found) == Self.sorted(expected.tensors))
  }

  @Test("is recognised as itself, whatever its config.json says too", arguments: cases)
  func detection(_ expected: Case) throws {
    let architecture = try Self.architecture(expected.family, expected.variant)
    let configuration = Configuration(
      file: "config.json", json: .object(architecture.configuration()))
    let found = CheckpointDescription(tensors: expected.tensors, configuration: configuration)
    #expect(found.variant?.name == expected.variant)
    #expect(found.problems == [])
    #expect(found.architecture?.dimensions == architecture.dimensions)
  }

  @Test(
    "gives config.json what diffusers' published files say",
    arguments: [
      ("flux1", "dev", "out_channels", 64), ("flux1", "fill", "out_channels", 64),
      ("flux1", "fill", "in_channels", 384), ("flux1", "schnell", "guidance_embeds", false),
      ("flux1", "dev", "num_single_layers", 38), ("flux1", "dev", "num_attention_heads", 24),
      ("flux1", "dev", "axes_dims_rope", [16, 56, 56]), ("qwen-image", "image", "num_layers", 60),
      ("qwen-image", "image", "out_channels", 16),
      ("qwen-image", "layered", "use_layer3d_rope", true),
      ("qwen-image", "layered", "use_additional_t_cond", true),
      ("qwen-image", "edit-2511", "zero_cond_t", true),
      ("qwen-image", "image", "_class_name", "QwenImageTransformer2DModel"),
    ] as [(String, String, String, JSONValue)])
  func configuration(family: String, variant: String, key: String, value: JSONValue) throws {
    #expect(try Self.architecture(family, variant).configuration()[key] == value)
  }

  @Test("takes other counts of blocks")
  func blocks() throws {
    let small = try Self.architecture("flux1", "dev", ["double": 3, "single": 6])
    // 64,124,992 outside the blocks, 339,831,296 a double and 141,591,808 a single block.
    #expect(small.parameterCount == 64_124_992 + 3 * 339_831_296 + 6 * 141_591_808)
  }

  private static func architecture(
    _ family: String, _ variant: String, _ blockCounts: [String: Int] = [:]
  ) throws -> Architecture {
    let family = try #require(ModelFamily.named(family))
    let variant = try #require(family.variants.first { $0.name == variant })
    return Architecture(published: variant, of: family, blockCounts: blockCounts)
  }

  private static func sorted(_ tensors: [TensorDescription]) -> [TensorDescription] {
    tensors.sorted { $0.name < $1.name }
  }
}
