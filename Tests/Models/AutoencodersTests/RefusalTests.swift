import Autoencoders
import Compute
import JSON
import ModelLoading
import Tensors
import TestSupport
import Testing

@Suite("What an autoencoder refuses")
struct RefusalTests {
  @Test(
    "configuration values that it can't compute with, by name",
    arguments: [
      (.flux, "act_fn", .string("relu")),
      (.flux, "block_out_channels", .array([])),
      (.flux, "block_out_channels", nil),
      (.flux, "down_block_types", .array([.string("AttnDownEncoderBlock2D")])),
      (.flux, "up_block_types", .string("UpDecoderBlock2D")),
      (.flux, "in_channels", .integer(4)),
      (.flux, "out_channels", .integer(1)),
      (.flux, "latents_mean", .array([.integer(0)])),
      (.flux, "norm_num_groups", .integer(5)),
      (.flux, "scaling_factor", .integer(0)),
      (.flux, "layers_per_block", .integer(0)),
      (.flux, "mid_block_add_attention", .string("yes")),
      (.qwen, "attn_scales", .array([.number(0.5)])),
      (.qwen, "input_channels", .integer(4)),
      (.qwen, "dim_mult", .array([])),
      (.qwen, "z_dim", .integer(-1)),
      (.qwen, "latents_mean", .array([.integer(0)])),
      (.qwen, "latents_std", .array(Array(repeating: .integer(0), count: 16))),
      (.qwen, "latents_std", nil),
    ] as [(Family, String, JSONValue?)])
  func configuration(family: Family, key: String, value: JSONValue?) throws {
    let configuration = try family.configuration([key: value])
    let weights = try family.weights()
    let error = try #require(throws: ModelError.self) {
      try family.autoencoder(configuration: configuration, weights: weights)
    }
    guard case .configuration(let file, let named, _, _) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(named == key)
    #expect(file == configuration.file)
  }

  @Test(
    "a missing tensor, by name",
    arguments: [
      (.flux, "encoder.down_blocks.2.resnets.0.conv1.weight"),
      (.flux, "decoder.mid_block.attentions.0.to_out.0.bias"),
      (.qwen, "quant_conv.weight"),
      (.qwen, "decoder.up_blocks.1.upsamplers.0.resample.1.bias"),
    ] as [(Family, String)])
  func missingTensor(family: Family, name: String) throws {
    let weights = try family.weights([name: nil])
    #expect(throws: ModelError.missingTensor(file: weights.file, tensor: name)) {
      try family.autoencoder(weights: weights)
    }
  }

  @Test(
    "a tensor of another shape, by name",
    arguments: [
      (.flux, "decoder.conv_in.weight", [48, 16, 3, 3]),
      (.flux, "encoder.conv_norm_out.weight", [48]),
      (.qwen, "decoder.conv_in.weight", [48, 16, 3, 3, 3]),
      (.qwen, "encoder.mid_block.attentions.0.norm.gamma", [48, 1, 1]),
    ] as [(Family, String, [Int])])
  func wrongShape(family: Family, name: String, expected: [Int]) throws {
    let wrong = TensorView(name: name, shape: [2, 3], Array(repeating: 0, count: 6))
    let weights = try family.weights([name: wrong])
    #expect(
      throws: ModelError.shapeMismatch(
        file: weights.file, tensor: name, expected: expected, found: [2, 3])
    ) {
      try family.autoencoder(weights: weights)
    }
  }

  @Test("weights that are not finite, by name", arguments: Family.allCases)
  func notFiniteWeights(family: Family) throws {
    let name = "decoder.conv_in.weight"
    let shape = [48, 16] + (family == .qwen ? [3, 3, 3] : [3, 3])
    var values = [Float](repeating: 0.01, count: shape.reduce(1, *))
    values[values.count - 1] = .nan
    let weights = try family.weights([name: TensorView(name: name, shape: shape, values)])
    let autoencoder = try family.autoencoder(weights: weights)
    #expect(throws: AutoencoderError.notFiniteWeights(file: weights.file, tensor: name)) {
      try autoencoder.decode(Tensor(shape: [16, 2, 2], repeating: 0.5))
    }
  }

  @Test("inputs that are not finite", arguments: Family.allCases)
  func notFiniteInput(family: Family) throws {
    let autoencoder = try family.autoencoder()
    #expect(throws: AutoencoderError.notFiniteInput) {
      try autoencoder.encode(Tensor(shape: [3, 16, 16], repeating: .nan))
    }
  }

  @Test(
    "pictures of sizes that do not fill cells in fours",
    arguments: [
      [3, 24, 16], [3, 16, 8], [3, 0, 16], [1, 16, 16], [16, 16], [4, 16, 16], [3, 17, 16],
    ])
  func pictureSizes(shape: [Int]) throws {
    let autoencoder = try Family.flux.autoencoder()
    #expect(
      throws: AutoencoderError.pictureShape(found: shape, multiple: 16, pixelLimit: 1 << 26)
    ) {
      try autoencoder.encode(Tensor(shape: shape, repeating: 0))
    }
  }

  @Test(
    "latents of other channels or odd sizes",
    arguments: [[16, 3, 2], [16, 2, 1], [4, 2, 2], [16, 4], [16, 0, 2]])
  func latentSizes(shape: [Int]) throws {
    let autoencoder = try Family.qwen.autoencoder()
    #expect(
      throws: AutoencoderError.latentShape(found: shape, channels: 16, cellLimit: 1 << 20)
    ) {
      try autoencoder.decode(Tensor(shape: shape, repeating: 0))
    }
  }
}
