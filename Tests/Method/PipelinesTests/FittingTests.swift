import Compute
import DiffusionTransformers
import Pipelines
import SystemPackage
import Tensors
import TestSupport
import Testing

/// A transformer that takes something else than the shipped models make.
private struct OtherTransformer: DiffusionTransformer {
  var tokenChannels = 32
  var textChannels = 48
  var pooledChannels: Int? = 24
  let takesGuidance = false
  let linearLayers: [LinearLayer] = []
  let passLayers = PassLayers(blocks: [], aroundBlocks: [], ofVectors: [])

  func velocity(
    _ tape: Tape, latent: Tensor, grid: TokenGrid, conditioning: Conditioning, sigma: Float,
    guidance: Float?, options: ForwardOptions
  ) -> Variable { Variable(constant: latent) }
}

@Suite("Components that are not of one model")
struct FittingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func refusal(_ body: () throws -> Void) -> String? {
    (#expect(throws: (any Error).self) { try body() }).map { "\($0)" }
  }

  @Test func autoencoderOfOtherLatentsIsRefused() throws {
    let pipeline = try DiffusionPipeline(opening: Fixtures.model("tiny-flux"))
    #expect(
      refusal { _ = try pipeline.openAutoencoder(for: OtherTransformer()) }
        == "\(Fixtures.model("tiny-flux"))/vae: the transformer needs an autoencoder with 8 latent "
        + "channels and cells of 8 pixels, found 16 channels and cells of 8; do both belong to the "
        + "same model?")
    _ = try pipeline.openAutoencoder(for: OtherTransformer(tokenChannels: 64))
  }

  @Test func textEncodersOfOtherWidthsAreRefusedByTheirFolders() throws {
    let flux = Fixtures.model("tiny-flux")
    let pipeline = try DiffusionPipeline(opening: flux)
    func encode(_ transformer: OtherTransformer) throws {
      _ = try pipeline.openCaptionEncoder(for: transformer).encode("a")
    }
    #expect(
      refusal { try encode(OtherTransformer()) }
        == "\(flux)/text_encoder_2: the transformer takes [tokens, 48], at least one token; found "
        + "[24, 64]")
    #expect(
      refusal { try encode(OtherTransformer(textChannels: 64)) }
        == "\(flux)/text_encoder: the transformer takes [1, 24], found [1, 64]")
    try encode(OtherTransformer(textChannels: 64, pooledChannels: 64))
    try encode(OtherTransformer(textChannels: 64, pooledChannels: nil))
  }

  @Test("a transformer that gives other channels than it takes is refused by what it is")
  func otherChannels() throws {
    let model = try folder.changedTransformer(
      "flux", of: "tiny-flux", ("\"out_channels\": null", "\"out_channels\": 16")
    ) { tensors in
      tensors.map {
        $0.name == "proj_out.weight" || $0.name == "proj_out.bias" ? $0.rows(0..<16) : $0
      }
    }
    #expect(
      refusal { _ = try DiffusionPipeline(opening: model).openTransformer() }
        == "\(model)/transformer/config.json: the transformer takes 64 channels and gives 16, as "
        + "variants for inpainting and control do; training and sampling support text to image, "
        + "other variants can be inspected, converted and merged")
  }

  @Test("a transformer whose channels are no packed cells is refused")
  func oddChannels() throws {
    let model = try folder.changedTransformer(
      "flux", of: "tiny-flux", ("\"in_channels\": 64", "\"in_channels\": 66")
    ) { tensors in
      tensors.map { tensor in
        let shapes = [
          "x_embedder.weight": [96, 66], "proj_out.weight": [66, 96], "proj_out.bias": [66],
        ]
        guard let shape = shapes[tensor.name] else { return tensor }
        let count = shape.reduce(1, *)
        return TensorView(
          name: tensor.name, shape: shape, [Float](repeating: 0.01, count: count))
      }
    }
    #expect(
      refusal { _ = try DiffusionPipeline(opening: model).openTransformer() }
        == "\(model)/transformer/config.json: 'in_channels': expected a multiple of 4, found 66")
  }

  @Test("a config.json that says something else than the tensors is refused")
  func contradiction() throws {
    let model = try folder.changedModel(
      "flux", of: "tiny-flux", files: ["transformer/config.json"],
      ("\"num_layers\": 2", "\"num_layers\": 1"))
    #expect(
      refusal { _ = try DiffusionPipeline(opening: model).openTransformer() }
        == "\(model)/transformer: does not fit FLUX.1: config.json: 'num_layers' is 1, expected 2 "
        + "from the tensors")
  }

  @Test(
    "text encoders and tokenizers that can't be used are refused by file",
    arguments: [
      (
        "text_encoder_2/config.json", "\"relative_attention_max_distance\": 128",
        "\"relative_attention_max_distance\": 7",
        "text_encoder_2/config.json: 'relative_attention_max_distance': expected more than a quarter "
          + "of relative_attention_num_buckets, 8, found 7"
      ),
      (
        "tokenizer/tokenizer_config.json", "\"model_max_length\": 77",
        "\"model_max_length\": 1000000000",
        "tokenizer: model_max_length: expected at most 4096 tokens to pad captions to, found "
          + "1000000000"
      ),
      (
        "tokenizer_2/tokenizer_config.json", "\"model_max_length\": 24",
        "\"model_max_length\": 5000",
        "tokenizer_2: model_max_length: expected at most 4096 tokens to pad captions to, found 5000"
      ),
    ])
  func textSide(file: String, from: String, to: String, message: String) throws {
    let model = try folder.changedModel(
      "flux", of: "tiny-flux", files: [FilePath(file)], (from, to))
    #expect(
      refusal { _ = try DiffusionPipeline(opening: model).openCaptionEncoder() }
        == "\(model)/\(message)")
  }

  /// A token that takes in the template and the first letter of the caption leaves fewer tokens than
  /// the template has alone.
  @Test func tokenizerThatSwallowsTheTemplateIsRefused() throws {
    let template = try #require(
      DiffusionPipeline(opening: Fixtures.model("tiny-qwen-image")).defaults.template)
    let before = template.prefix { $0 != "{" }.replacing("\n", with: "\\n")
    let model = try folder.changedModel(
      "qwen", of: "tiny-qwen-image",
      files: ["added_tokens.json", "tokenizer_config.json", "special_tokens_map.json"].map {
        FilePath("tokenizer/\($0)")
      }, ("<|object_ref_start|>", before + "a"))
    let encoder = try DiffusionPipeline(opening: model).openCaptionEncoder()
    let error = refusal { _ = try encoder.encode("a circle") }
    #expect(
      error?.hasPrefix("\(model)/tokenizer: the words around a caption are ") == true
        && error?.hasSuffix("; is this Qwen-Image's tokenizer?") == true, "\(error ?? "")")
    #expect(try encoder.encode("b").conditioning.text.rows > 0)
  }
}
