internal import Formats
internal import JSON

/// How a benchmark's scorer wants pictures: formats/benchmarks.json, which names the source of every
/// rule.
public struct BenchmarkLayout: Sendable {
  /// A file beside the pictures, one a prompt.
  struct Companion: Sendable {
    /// What it holds.
    enum Content: String {
      /// The prompt's own line of the prompt file.
      case record
      /// The prompt.
      case text
    }

    let path: PathTemplate
    let content: Content
  }

  /// How noises are named.
  enum Seeds: String {
    /// Every prompt begins with the first seed.
    case anew
    /// They go on from prompt to prompt, so that no two pictures of the set have the same noise.
    case running
  }

  /// The word for it, such as `geneval`.
  public let name: String
  /// The name for people.
  public let title: String
  /// Pictures of every prompt.
  public let picturesPerPrompt: Int
  /// How many pictures stand beside each other in the grid that all pictures of a prompt make; nil
  /// where each has a file of its own.
  public let gridColumns: Int?
  /// Whether its scorer cuts squares.
  public let isSquare: Bool
  /// What prompts are read from.
  public let promptFile: String
  /// What its scores are read from.
  public let scoreFile: String
  /// The share of the teacher's score that the method's paper reports, and the name of that row.
  public let published: (name: String, ratio: Double)?
  let form: PromptForm
  let seeds: Seeds
  let picture: PathTemplate
  let companions: [Companion]
  private let scoring: PathTemplate

  /// All of them.
  public static let all: [BenchmarkLayout] = EmbeddedFormats.document("benchmarks")
    .list("benchmarks").map(BenchmarkLayout.init)

  /// The one of a name.
  public static func named(_ name: String) -> BenchmarkLayout? { all.first { $0.name == name } }

  private init(_ value: JSONValue) {
    name = value.text("name")
    title = value.text("title")
    picturesPerPrompt = value.count("pictures")
    gridColumns = value["columns"]?.integer
    isSquare = value["square"]?.bool ?? false
    promptFile = value.part("prompts").text("file")
    scoreFile = value.text("scores")
    published = value["published"].map { ($0.text("name"), $0.number("ratio")) }
    form = PromptForm(value.part("prompts"))
    seeds = Seeds(rawValue: value.text("seeds"))!
    picture = PathTemplate(value.text("picture"))
    companions = value.list("companions").map {
      Companion(
        path: PathTemplate($0.text("path")),
        content: Companion.Content(rawValue: $0.text("content"))!)
    }
    scoring = PathTemplate(value.text("scoring"))
  }

  /// What to run for scores, in the folder of the set, for pictures of a width.
  public func scoring(arm: String, width: Int) -> String {
    scoring.expanded(["arm": .text(arm), "width": .number(width)])
  }

  /// Pictures that share a file.
  var picturesPerFile: Int { gridColumns == nil ? 1 : picturesPerPrompt }
}
