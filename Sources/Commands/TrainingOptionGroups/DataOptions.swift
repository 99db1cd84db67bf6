internal import Adapters
public import ArgumentParser
public import CommandSupport
public import ExpertTraining
internal import Schedules
public import SystemPackage
internal import Training

/// What is trained on.
public struct DataOptions: ParsableArguments {
  /// The model's folder.
  @Option(help: "The model's folder (model_index.json).", completion: .directory)
  public var model: FilePath

  /// Another transformer than the model's.
  @Option(
    help: """
      Train for this checkpoint instead of the model's transformer: any layout, GGUF, scaled fp8, \
      compressed.
      """, completion: .file())
  public var transformer: FilePath?

  /// What that was made from.
  @Option(
    help: """
      Where the base of a transformer that is a difference is, when it is neither beside it nor the \
      model's own.
      """, completion: .file())
  public var base: FilePath?

  /// A picture.
  @Option(
    help: "A picture (PNG, JPEG or WebP).",
    completion: .file(extensions: ["png", "jpg", "jpeg", "webp"]))
  public var image: FilePath?

  /// What it shows.
  @Option(help: "What the picture shows; alone for --objective path, which needs no picture.")
  public var caption: String?

  /// A folder of pictures and captions instead.
  @Option(help: "A folder of x.png with x.txt, instead of one picture.", completion: .directory)
  public var data: FilePath?

  /// Size to train at.
  @Option(
    help: "Size to train at (default: the first picture's, at most 1024 on its longer side).",
    transform: PictureSize.init(parsing:))
  public var resolution: PictureSize?

  /// Length of texts.
  @Option(help: "Padded length of T5's text, or the most tokens of Qwen's.")
  public var textTokens: Int?

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public mutating func validate() throws {
    try TrainingLimit.textTokens.check(textTokens)
    switch (image, caption, data) {
    case (.some, .some, nil), (nil, .some, nil), (nil, nil, .some): break
    case (.some, nil, nil): throw ValidationError("--image needs a --caption.")
    case (nil, nil, nil): throw ValidationError("Give --image and --caption, or --data.")
    default: throw ValidationError("--data and --image exclude each other.")
    }
  }

  /// The samples, and what to tell of the folder that they are in.
  public func samples() throws -> (samples: [SampleSource], warning: String?) {
    if let data {
      let folder = try SampleFolder(reading: data)
      return (folder.samples, folder.warning.map { "\(data): \($0)" })
    }
    guard let caption else { return ([], nil) }
    return ([SampleSource(image: image, caption: caption)], nil)
  }
}
