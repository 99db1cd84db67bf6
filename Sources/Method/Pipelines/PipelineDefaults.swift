internal import Formats
internal import JSON

/// What a pipeline of one family does when nobody says otherwise; read from
/// `formats/pipelines.json`.
public struct PipelineDefaults: Sendable {
  /// Defaults of sampling.
  public struct Sampling: Sendable {
    /// As `--schedule` takes it.
    public let schedule: String
    /// Guidance value for models that take one.
    public let guidance: Double?
    /// Classifier-free guidance scale; 1 is none.
    public let cfg: Double
    /// The negative prompt of classifier-free guidance.
    public let negative: String
    /// The size of pictures.
    public let size: PipelineSize
  }

  /// Defaults of training an expert.
  public struct Training: Sendable {
    /// Rank of every module.
    public let rank: Int
    /// Numerator of the scale.
    public let alpha: Double
    /// Optimiser steps.
    public let steps: Int
    /// Learning rate.
    public let learningRate: Double
    /// Decoupled weight decay.
    public let weightDecay: Double
    /// Share of captions that are replaced by the empty one.
    public let captionDropout: Double
    /// Guidance value of models that take one, for objectives that ask the teacher.
    public let guidance: Double?
    /// The same for those that learn pictures.
    public let pictureGuidance: Double?
  }

  /// `_class_name` of model_index.json.
  public let className: String
  /// `_class_name` of modular_model_index.json.
  public let modularClassName: String
  /// The family's name.
  public let family: String
  /// What stands for no caption.
  public let emptyCaption: String
  /// The text around a caption, `{}` in its place.
  public let template: String?
  /// The most tokens of a caption.
  public let maximumTokens: Int?
  /// Defaults of sampling.
  public let sampling: Sampling
  /// Defaults of training.
  public let training: Training

  /// Those of every known pipeline.
  public static let all: [PipelineDefaults] =
    EmbeddedFormats.document("pipelines").list("pipelines").map { PipelineDefaults($0) }

  /// Those of a pipeline's class, modular or not.
  static func of(className: String) -> PipelineDefaults? {
    all.first { $0.className == className || $0.modularClassName == className }
  }

  /// Those of a family.
  public static func of(family: String) -> PipelineDefaults? {
    all.first { $0.family == family }
  }

  private init(_ json: JSONValue) {
    className = json.text("class")
    modularClassName = json.text("modular_class")
    family = json.text("family")
    emptyCaption = json.part("caption").text("empty")
    template = json["caption"]?["template"]?.string
    maximumTokens = json["caption"]?["maximum_tokens"]?.integer
    let sampling = json.part("sampling")
    self.sampling = Sampling(
      schedule: sampling.text("schedule"), guidance: sampling["guidance"]?.double,
      cfg: sampling.number("cfg"), negative: sampling.text("negative"),
      size: Self.size(sampling.text("size")))
    let training = json.part("training")
    self.training = Training(
      rank: training.count("rank"), alpha: training.number("alpha"),
      steps: training.count("steps"), learningRate: training.number("learning_rate"),
      weightDecay: training.number("weight_decay"),
      captionDropout: training.number("caption_dropout"),
      guidance: training["guidance"]?.double,
      pictureGuidance: training["picture_guidance"]?.double)
  }

  private static func size(_ text: String) -> PipelineSize {
    guard let size = PipelineSize(text) else { preconditionFailure("pipelines.json: size") }
    return size
  }
}
