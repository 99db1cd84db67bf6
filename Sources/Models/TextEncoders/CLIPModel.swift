public import Compute
internal import JSON
public import ModelLoading

/// Both halves of CLIP with their projections into one space, in which pictures lie near texts that describe them.
///
/// **Source:** huggingface/transformers, `modeling_clip.py`, `CLIPModel.get_image_features` and
/// `get_text_features`; `configuration_clip.py` for what a missing key means.
public struct CLIPModel: Sendable {
  /// Pixels in a row and in a column of a picture.
  public var side: Int { vision.side }
  /// The most tokens of a text, those around it too.
  public let tokenLimit: Int
  /// Tokens that are known.
  public let vocabulary: Int
  private let text: CLIPTextEncoder
  private let vision: CLIPVisionEncoder
  private let textProjection: LinearLayer
  private let visionProjection: LinearLayer

  private static let defaults: [String: JSONObject] = [
    "text_config": [
      "vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12,
      "num_attention_heads": 8, "max_position_embeddings": 77,
    ],
    "vision_config": [
      "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
      "num_attention_heads": 12, "image_size": 224, "patch_size": 32,
    ],
  ]

  /// Builds the model of a `CLIPModel`'s configuration and tensors.
  public init(configuration: ModelConfiguration, weights: WeightLoader) throws(ModelError) {
    let textPart = try Self.part("text_config", of: configuration)
    tokenLimit = try textPart.integer("max_position_embeddings")
    vocabulary = try textPart.integer("vocab_size")
    text = try CLIPTextEncoder(configuration: textPart, weights: weights)
    vision = try CLIPVisionEncoder(
      try Self.part("vision_config", of: configuration), weights.module("vision_model"))
    let channels = try configuration.integer("projection_dim", default: 512)
    textProjection = try weights.linear(
      "text_projection", from: textPart.integer("hidden_size"), to: channels, hasBias: false)
    visionProjection = try weights.linear(
      "visual_projection", from: vision.channels, to: channels, hasBias: false)
  }

  /// Where a picture lies.
  ///
  /// - Parameter pixels: normalised, `[3, side, side]`.
  /// - Returns: a vector of length 1.
  public func direction(ofPicture pixels: Tensor) -> Tensor {
    let tape = Tape(mode: .inference)
    return Self.normed(tape.linear(vision(tape, pixels), visionProjection).tensor)
  }

  /// Where a text lies.
  ///
  /// - Parameter ids: its tokens with those around it, without padding, at most ``tokenLimit``.
  /// - Returns: a vector of length 1.
  /// - Throws: ids that the model doesn't take.
  public func direction(ofText ids: [Int32]) throws(TextEncoderError) -> Tensor {
    let pooled = Variable(constant: try text(ids).pooled)
    return Self.normed(Tape(mode: .inference).linear(pooled, textProjection).tensor)
  }

  private static func normed(_ vector: Tensor) -> Tensor {
    let length = vector.floats.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    var unit = vector
    unit.scale(by: Float(1 / length))
    return unit
  }

  private static func part(
    _ key: String, of configuration: ModelConfiguration
  ) throws(ModelError) -> ModelConfiguration {
    guard let found = configuration.values[key]?.object else {
      throw .configuration(
        file: configuration.file, key: key, expected: "an object, as a CLIPModel has",
        found: configuration.values[key]?.text() ?? "nothing")
    }
    var values = found
    for member in defaults[key]?.members ?? [] where values[member.key] ?? .null == .null {
      values[member.key] = member.value
    }
    return try ModelConfiguration(.object(values), file: configuration.file)
  }
}
