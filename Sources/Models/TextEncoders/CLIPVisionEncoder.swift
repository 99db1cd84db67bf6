internal import Compute
internal import ModelLoading

/// The picture half of CLIP: a transformer over square patches, in which the state of a token of its own stands
/// for the picture.
///
/// **Source:** huggingface/transformers, `modeling_clip.py`, `CLIPVisionEmbeddings` and
/// `CLIPVisionTransformer.forward`.
struct CLIPVisionEncoder: Sendable {
  /// Pixels in a row and in a column of a picture.
  let side: Int
  /// Channels of the state.
  let channels: Int
  private let patch: Int
  /// `[channels, 3 · patch · patch]`: a convolution whose windows don't overlap.
  private let patches: LinearLayer
  private let classToken: Tensor
  private let positions: Tensor
  /// Spelled `pre_layrnorm` in files.
  private let firstNorm: LayerNorm
  private let layers: CLIPLayers
  private let finalNorm: LayerNorm

  /// Builds the encoder of `vision_config`, over the tensors of `vision_model`.
  init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    channels = try configuration.integer("hidden_size")
    side = try configuration.integer("image_size", in: 1...4096)
    patch = try configuration.integer("patch_size", in: 1...4096)
    guard side.isMultiple(of: patch) else {
      throw .configuration(
        file: configuration.file, key: "vision_config.patch_size",
        expected: "a divisor of the image_size \(side)", found: "\(patch)")
    }
    let colours = try configuration.integer("num_channels", in: 3...3, default: 3)
    let epsilon = Float(try configuration.number("layer_norm_eps", default: 1e-5))
    let embeddings = weights.module("embeddings")
    let filters = try embeddings.floats(
      "patch_embedding.weight", shape: [channels, colours, patch, patch])
    patches = LinearLayer(
      name: "patch_embedding",
      weight: Weight(filters.reshaped([channels, colours * patch * patch])))
    classToken = try embeddings.floats("class_embedding", shape: [channels])
      .reshaped([1, channels])
    let count = (side / patch) * (side / patch)
    positions = try embeddings.floats(
      "position_embedding.weight", shape: [count + 1, channels])
    firstNorm = try LayerNorm(weights, "pre_layrnorm", channels: channels, epsilon: epsilon)
    layers = try CLIPLayers(configuration, weights, isCausal: false)
    finalNorm = try LayerNorm(weights, "post_layernorm", channels: channels, epsilon: epsilon)
  }

  /// Looks at a picture.
  ///
  /// - Parameters:
  ///   - tape: for inference.
  ///   - pixels: normalised, `[3, side, side]`.
  /// - Returns: its state, `[1, channels]`.
  func callAsFunction(_ tape: Tape, _ pixels: Tensor) -> Variable {
    let embedded = tape.linear(Variable(constant: cut(pixels)), patches)
    let tokens = tape.concatenatedRows(Variable(constant: classToken), embedded)
    let placed = tape.sum(tokens, Variable(constant: positions))
    let states = layers(tape, firstNorm(tape, placed))
    return finalNorm(tape, tape.rows(0..<1, of: states))
  }

  /// The patches of a picture, row after row, `[patches, 3 · patch · patch]`.
  private func cut(_ pixels: Tensor) -> Tensor {
    precondition(pixels.shape == [3, side, side], "a picture of the encoder's size")
    let floats = pixels.floats
    let (across, area) = (side / patch, patch * patch)
    return Tensor(
      shape: [across * across, 3 * area],
      (0..<across * across * 3 * area).map { place in
        let (token, part) = place.quotientAndRemainder(dividingBy: 3 * area)
        let (colour, inner) = part.quotientAndRemainder(dividingBy: area)
        let y = token / across * patch + inner / patch
        let x = token % across * patch + inner % patch
        return floats[(colour * side + y) * side + x]
      })
  }
}
