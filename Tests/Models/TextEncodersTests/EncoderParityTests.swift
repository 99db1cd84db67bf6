import Compute
import JSON
import ModelLoading
import ModelTestSupport
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
  @Test(arguments: RecordedTexts.allCases, 0..<3)
  func recorded(encoder: RecordedTexts, row: Int) throws {
    for (found, expected) in try encoder.states(row) {
      #expect(relativeError(found, expected) <= bound)
    }
  }

  @Test("on all kernels", arguments: RecordedTexts.allCases, ProductSettings.all(.float32))
  func kernels(encoder: RecordedTexts, products: ProductSettings) throws {
    try ProductSettings.with(products) { try recorded(encoder: encoder, row: 0) }
  }

  @Test("has the same bits for any number of threads", arguments: RecordedTexts.allCases)
  func threads(encoder: RecordedTexts) throws {
    let found = try atWidths([1, 2, 3]) { try encoder.states(0).map(\.found) }
    #expect(found[0] == found[1] && found[0] == found[2])
  }

  @Test("at the length of the full-size pipeline, where padding takes part")
  func t5Padded() throws {
    let (configuration, weights) = try RecordedTexts.files("tiny-flux", "text_encoder_2")
    let encoder = try T5Encoder(configuration: configuration, weights: weights)
    let output = try encoder(RecordedTexts.ids("flux", "t5_ids_512", row: 0))
    #expect(output.shape == [512, 64])
    #expect(
      relativeError(
        output.rows(0..<40).floats, try RecordedTexts.states("flux", "t5_embeds_512", row: 0))
        <= bound)
  }

  @Test func idsOutsideTheVocabularyAreRefused() throws {
    let (configuration, weights) = try RecordedTexts.files("tiny-flux", "text_encoder_2")
    let encoder = try T5Encoder(configuration: configuration, weights: weights)
    for id in [-1, 448] as [Int32] {
      #expect(
        throws: TextEncoderError.unknownToken(encoder: "T5", id: id, vocabulary: 448)
      ) { try encoder([3, id]) }
    }
  }

  @Test func moreTokensThanPositionsAreRefused() throws {
    let (configuration, weights) = try RecordedTexts.files("tiny-flux", "text_encoder")
    let encoder = try CLIPTextEncoder(configuration: configuration, weights: weights)
    #expect(throws: TextEncoderError.tooLong(encoder: "CLIP", count: 78, limit: 77)) {
      try encoder(Array(repeating: 1, count: 78))
    }
  }

  @Test func missingTensorIsNamed() throws {
    let (configuration, weights) = try RecordedTexts.files("tiny-flux", "text_encoder")
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
