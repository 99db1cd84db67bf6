internal import ArgumentParser
internal import CommandSupport
internal import Drawing
internal import Evaluation
internal import Files
internal import OptionGroups
internal import SystemPackage

/// What arms are measured on, and how.
struct EvaluationOptions: ParsableArguments {
  @Option(
    help:
      "Prompts: a text with one on every line, or JSON with captions and labels; - for standard input.",
    completion: .file(extensions: ["txt", "json"]))
  var prompts: FilePath

  @Option(help: "Take so many prompts (default: all).")
  var promptLimit: Int?

  @Option(help: "Leave so many of the first prompts out.")
  var promptSkip = 0

  @Option(help: "Pictures of every prompt, with seeds that follow each other.")
  var seeds = 1

  @Option(help: "Names the noise of the first picture of every prompt.")
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      "Size of the pictures: 1024x768, 512 for a square, or a ratio such as 3:2 (default: the model's).",
      valueName: "size"), transform: PictureSizeRequest.init(parsing:))
  var size: PictureSizeRequest?

  @Option(help: "Steps of the teacher.")
  var teacherSteps = 50

  @Option(
    help: """
      The network that tells attributes of the shipped models' world (default: checker.safetensors \
      beside prompts with labels).
      """, completion: .file(extensions: ["safetensors"]))
  var checker: FilePath?

  @Option(
    help: ArgumentHelp(
      """
      A CLIP model as transformers keeps it (config.json, model.safetensors, tokenizer, \
      preprocessor_config.json): tells how well pictures agree with their prompts.
      """, valueName: "folder"), completion: .directory)
  var clip: FilePath?

  @Option(help: "How often prompts and seeds are drawn anew for intervals; 0 for none.")
  var resamples = 10_000

  @Option(
    help: "Padded length of T5's text, or the most tokens of Qwen's (default: the model's own).")
  var textTokens: Int?

  @Option(help: "Prompts whose pictures are on the page.")
  var gridPrompts = 8

  mutating func validate() throws {
    for (option, value, range) in [
      ("--prompt-limit", promptLimit ?? 1, 1...1_000_000),
      ("--prompt-skip", promptSkip, 0...1_000_000), ("--seeds", seeds, 1...10_000),
      ("--teacher-steps", teacherSteps, 1...1000), ("--resamples", resamples, 0...1_000_000),
      ("--grid-prompts", gridPrompts, 0...1000),
    ] where !range.contains(value) {
      throw ValidationError(
        "\(option): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
    }
  }

  /// What these options ask for, of some arms.
  func request(model: FilePath, arms: [ArmRequest]) throws -> EvaluationRequest {
    let list = try PromptList(reading: prompts, skip: promptSkip, limit: promptLimit)
    let size = try ChosenSize(size, model: model)
    var request = EvaluationRequest(
      model: model, arms: arms, prompts: list.prompts, width: size.width, height: size.height)
    request.seeds = seeds
    request.seed = seed
    request.teacherSteps = teacherSteps
    request.resamples = resamples
    request.clip = clip
    request.textTokens = textTokens
    let beside = prompts.removingLastComponent().appending("checker.safetensors")
    request.checker = checker ?? (beside.isRegularFile ? beside : nil)
    return request
  }
}
