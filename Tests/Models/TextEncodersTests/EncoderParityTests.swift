import Compute
import JSON
import ModelLoading
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing
import TextEncoders

/// Recorded in float32 by transformers; float64 is 5 to 50 times closer to the recording.
private let bound = 1e-5

@Suite("A text encoder agrees with the recording")
struct EncoderParityTests {
  private func files(
    _ model: String, _ component: String
  ) throws -> (ModelConfiguration, WeightLoader) {
    let folder = Fixtures.model(model).appending(component)
    let file = folder.appending("config.json")
    let text = try FileDescriptor.open(file, .readOnly).closeAfterReading()
    let weights = try SafetensorsFile(opening: folder.appending("model.safetensors"))
    return (
      try ModelConfiguration(JSONValue(parsing: text), file: file),
      WeightLoader(file: weights.path, tensors: weights.tensors)
    )
  }

  private func ids(_ family: String, _ name: String, row: Int) throws -> [Int32] {
    let view = try Goldens.open(family, "text.safetensors").tensor(named: name)
    let length = view.shape[1]
    return (row * length..<(row + 1) * length).map {
      unsafe view.bytes.unsafeLoadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)
    }
  }

  private func states(_ family: String, _ name: String, row: Int) throws -> [Float] {
    let view = try Goldens.open(family, "text.safetensors").tensor(named: name)
    let size = view.elementCount / view.shape[0]
    return Array(view.floats()[row * size..<(row + 1) * size])
  }

  @Test(arguments: 0..<3)
  func clip(row: Int) throws {
    let (configuration, weights) = try files("tiny-flux", "text_encoder")
    let encoder = try CLIPTextEncoder(configuration: configuration, weights: weights)
    let output = try encoder(ids("flux", "clip_ids", row: row))
    #expect(
      relativeError(output.states.floats, try states("flux", "clip_hidden", row: row)) <= bound)
    #expect(
      relativeError(output.pooled.floats, try states("flux", "clip_pooled", row: row)) <= bound)
  }

  @Test(arguments: 0..<3)
  func t5(row: Int) throws {
    let (configuration, weights) = try files("tiny-flux", "text_encoder_2")
    let encoder = try T5Encoder(configuration: configuration, weights: weights)
    let output = try encoder(ids("flux", "t5_ids", row: row))
    #expect(relativeError(output.floats, try states("flux", "t5_embeds", row: row)) <= bound)
  }

  @Test("at the length of the full-size pipeline, where padding takes part")
  func t5Padded() throws {
    let (configuration, weights) = try files("tiny-flux", "text_encoder_2")
    let encoder = try T5Encoder(configuration: configuration, weights: weights)
    let output = try encoder(ids("flux", "t5_ids_512", row: 0))
    #expect(output.shape == [512, 64])
    #expect(
      relativeError(output.rows(0..<40).floats, try states("flux", "t5_embeds_512", row: 0))
        <= bound)
  }

  @Test(arguments: 0..<3)
  func qwen(row: Int) throws {
    let (configuration, weights) = try files("tiny-qwen-image", "text_encoder")
    let encoder = try Qwen25TextEncoder(configuration: configuration, weights: weights)
    let count = try ids("qwen", "attention_mask", row: row).count { $0 == 1 }
    let output = try encoder(Array(try ids("qwen", "ids", row: row).prefix(count)))
    let expected = try states("qwen", "hidden_last", row: row)
    #expect(relativeError(output.floats, Array(expected.prefix(count * 64))) <= bound)
  }

  @Test func idsOutsideTheVocabularyAreRefused() throws {
    let (configuration, weights) = try files("tiny-flux", "text_encoder_2")
    let encoder = try T5Encoder(configuration: configuration, weights: weights)
    for id in [-1, 448] as [Int32] {
      #expect(
        throws: TextEncoderError.unknownToken(encoder: "T5", id: id, vocabulary: 448)
      ) { try encoder([3, id]) }
    }
  }

  @Test func moreTokensThanPositionsAreRefused() throws {
    let (configuration, weights) = try files("tiny-flux", "text_encoder")
    let encoder = try CLIPTextEncoder(configuration: configuration, weights: weights)
    #expect(throws: TextEncoderError.tooLong(encoder: "CLIP", count: 78, limit: 77)) {
      try encoder(Array(repeating: 1, count: 78))
    }
  }

  @Test func missingTensorIsNamed() throws {
    let (configuration, weights) = try files("tiny-flux", "text_encoder")
    #expect(
      throws: ModelError.missingTensor(
        file: weights.file,
        tensor: "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight")
    ) {
      let values: JSONValue = [
        "d_model": 64, "d_ff": 160, "num_heads": 4, "d_kv": 16, "num_layers": 2, "vocab_size": 815,
        "feed_forward_proj": "gated-gelu",
      ]
      _ = try T5Encoder(
        configuration: ModelConfiguration(values, file: configuration.file),
        weights: WeightLoader(
          file: weights.file,
          tensors: [
            TensorView(
              name: "shared.weight", shape: [815, 64], Array(repeating: 0, count: 815 * 64))
          ]))
    }
  }
}

extension FileDescriptor {
  /// The text of a small file, which is then closed.
  fileprivate func closeAfterReading() throws -> String {
    try closeAfter {
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe read(into: $0) }
      return String(decoding: bytes[..<count], as: UTF8.self)
    }
  }
}
