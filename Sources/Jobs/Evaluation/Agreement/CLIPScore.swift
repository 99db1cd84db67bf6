internal import Checkpoints
package import Compute
internal import Concurrency
internal import Failures
internal import Files
internal import ModelLoading
package import Pictures
package import SystemPackage
internal import TextEncoders
internal import Tokenizers

/// How well a picture agrees with a text, as a CLIP model sees it: 100 · max(cosine, 0).
///
/// **Source:** Hessel et al., "CLIPScore" (arXiv 2104.08718), with the factor 100 of torchmetrics,
/// `multimodal/clip_score.py`, `CLIPScore`.
package struct CLIPScore: Sendable {
  private let model: CLIPModel
  private let tokenizer: CLIPTokenizer
  private let preprocessor: CLIPPreprocessor

  /// Opens a folder of a transformers `CLIPModel`: `config.json`, `model.safetensors`, a tokenizer and
  /// `preprocessor_config.json`.
  ///
  /// - Throws: what is missing there, or is of something else.
  package init(folder: FilePath) throws {
    guard folder.appending("config.json").isRegularFile else {
      throw EvaluationError.wrongContent(
        file: folder,
        expected: "the folder of a CLIPModel with config.json, model.safetensors, a "
          + "tokenizer and preprocessor_config.json",
        found: folder.isThere ? "no config.json" : "nothing")
    }
    let file = folder.appending("config.json")
    let configuration = try ModelConfiguration(Configuration(reading: file).json, file: file)
    let kind = try configuration.string("model_type", default: "clip")
    guard kind == "clip" else {
      throw EvaluationError.wrongContent(
        file: file, expected: "a CLIPModel (model_type 'clip')", found: "model_type '\(kind)'")
    }
    let component = try OpenedCheckpoint(opening: folder)
    model = try CLIPModel(
      configuration: configuration,
      weights: WeightLoader(file: component.path, try component.parameters()))
    tokenizer = try CLIPTokenizer(folder: folder)
    guard tokenizer.idBound <= model.vocabulary else {
      throw EvaluationError.wrongContent(
        file: folder,
        expected: "a tokenizer of at most \(model.vocabulary) tokens, which the model knows",
        found: "\(tokenizer.idBound)")
    }
    preprocessor = try CLIPPreprocessor(folder: folder, side: model.side)
  }

  /// Where texts lie in the model's space.
  package func directions(of texts: [String]) throws -> [Tensor] {
    try Parallel.map(texts.count, work: .max) { index in
      try Parallel.withThreads(1) { try model.direction(ofText: tokens(texts[index]).ids) }.result
    }
  }

  /// Where a picture lies there.
  package func direction(of picture: Picture) -> Tensor {
    Parallel.withThreads(1) { model.direction(ofPicture: preprocessor.pixels(of: picture)) }.result
  }

  /// How well a picture agrees with a text.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - direction: where its text lies.
  /// - Returns: 0 to 100.
  package func score(_ picture: Picture, _ direction: Tensor) -> Double {
    100 * max(0, cosine(self.direction(of: picture), direction))
  }

  /// What to tell of texts that the model sees a part of.
  func notes(on texts: [String]) -> [String] {
    let count = texts.count { tokens($0).isTruncated }
    guard count > 0 else { return [] }
    return [
      "CLIP scores: of \(count) of \(texts.count) prompts the model sees the first "
        + "\(model.tokenLimit) tokens only"
    ]
  }

  private func tokens(_ text: String) -> TokenSequence {
    tokenizer.encode(text, maximumLength: model.tokenLimit)
  }
}
