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
  @Option(
    help: """
      What the picture shows; repeat for several captions, each a sample with the picture. Alone for \
      --objective path, which needs no picture.
      """)
  public var caption: [String] = []

  /// A folder of pictures and captions instead.
  @Option(help: "A folder of x.png with x.txt, instead of one picture.", completion: .directory)
  public var data: FilePath?

  /// Whether a file has a caption on every line.
  @Flag(help: "Every line of an x.txt is a caption, each a sample with the picture.")
  public var captionLines = false

  /// Size to train at.
  @Option(
    help:
      "Size to train at, 1024x768 or 512 for a square (default: the first picture's, at most 1024 on its longer side).",
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
    guard !captionLines || data != nil else {
      throw ValidationError(
        "--caption-lines: how texts of --data are read; repeat --caption instead")
    }
    switch (image, caption.isEmpty, data) {
    case (.some, false, nil), (nil, false, nil), (nil, true, .some): break
    case (.some, true, nil): throw ValidationError("--image needs a --caption.")
    case (nil, true, nil): throw ValidationError("Give --image and --caption, or --data.")
    case (_, false, .some):
      throw ValidationError("--data brings a caption for every picture: it takes no --caption.")
    default: throw ValidationError("--data and --image exclude each other.")
    }
  }

  /// The samples, and what to tell of the folder that they are in.
  public func samples() throws -> (samples: [SampleSource], warning: String?) {
    if let data {
      let folder = try SampleFolder(reading: data, captionsAreLines: captionLines)
      return (folder.samples, folder.warning.map { "\(data): \($0)" })
    }
    return (SampleSource.samples(of: image, captions: caption), nil)
  }
}
