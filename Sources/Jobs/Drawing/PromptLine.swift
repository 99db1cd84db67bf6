internal import Pipelines
internal import Text

/// A line of a file of prompts: a prompt, and how this one is drawn where that differs from the others.
///
/// Behind the prompt may stand, as in files of kohya's scripts, ` --n` and the negative prompt, ` --w` and ` --h`
/// and pixels, ` --d` and the seed, ` --l` and the classifier-free guidance scale, ` --g` and the guidance value.
///
/// **Source:** kohya-ss/sd-scripts, `library/train_util.py`, `line_to_prompt_dict`.
public struct PromptLine: Sendable, Hashable {
  /// What to draw.
  public let prompt: String
  /// The negative prompt.
  public private(set) var negative: String?
  /// Pixels in a row.
  public private(set) var width: Int?
  /// Rows.
  public private(set) var height: Int?
  /// Names the noise of its first picture.
  public private(set) var seed: UInt64?
  /// Classifier-free guidance scale.
  public private(set) var cfg: Double?
  /// Guidance value.
  public private(set) var guidance: Double?

  /// A prompt that is drawn as all are.
  public init(_ prompt: String) { self.prompt = prompt }

  /// Reads a line.
  ///
  /// - Parameters:
  ///   - text: the line.
  ///   - source: file and number of the line, for messages.
  /// - Throws: ``DrawingError`` for an option that is unknown or has no fitting value.
  public init(parsing text: String, source: String) throws(DrawingError) {
    let parts = Self.parts(of: text)
    self.init(parts.prompt)
    let names = parts.options.map(\.name)
    for (index, name) in names.enumerated() where names[..<index].contains(name) {
      throw .invalid(source: source, expected: "--\(name) once", found: "it twice")
    }
    for (option, value) in parts.options {
      func number<Value>(
        _ expected: String, _ parse: (String) -> Value?
      ) throws(DrawingError) -> Value {
        guard let found = parse(value) else {
          throw .invalid(source: "\(source): --\(option)", expected: expected, found: "'\(value)'")
        }
        return found
      }
      func pixels(_ text: String) -> Int? {
        Int(text).flatMap { PipelineSize(width: $0, height: 16)?.width }
      }
      let (side, scale) = ("a multiple of 16", "a number above 0 and up to 1000")
      switch option {
      case "n": negative = value
      case "w": width = try number(side, pixels)
      case "h": height = try number(side, pixels)
      case "d": seed = try number("a seed, 0 or more") { UInt64($0) }
      case "l": cfg = try number(scale) { Double($0).flatMap { $0 > 0 && $0 <= 1000 ? $0 : nil } }
      case "g":
        guidance = try number("a number from 0 to 1000") {
          Double($0).flatMap { (0...1000).contains($0) ? $0 : nil }
        }
      default:
        throw .invalid(
          source: source, expected: "--n, --w, --h, --d, --l or --g behind the prompt",
          found: "--\(option)" + (option == "s" ? "; steps are the schedule's" : ""))
      }
    }
    guard (width == nil) == (height == nil) else {
      throw .invalid(source: source, expected: "--w and --h together", found: "one of them")
    }
    if let width, let height, PipelineSize(width: width, height: height) == nil {
      throw .invalid(
        source: source, expected: "at most 100 million pixels", found: "\(width)x\(height)")
    }
    guard !prompt.isEmpty else {
      throw .invalid(source: source, expected: "a prompt before its options", found: "none")
    }
  }

  /// Longer words of programs that read such lines; here they are none, and would be drawn in silence.
  private static let otherWords: Set<Substring> = [
    "am", "cfg", "cn", "fs", "guidance", "height", "negative", "seed", "size", "ss", "steps",
    "strength", "width",
  ]

  /// The prompt and what stands behind it: ` --`, one letter or a word of another program, a space and a value. Two
  /// dashes before anything else belong to what they stand in.
  private static func parts(
    of text: String
  ) -> (prompt: String, options: [(name: String, value: String)]) {
    var (prompt, options) = ("", [(name: String, value: String)]())
    for (index, piece) in (" " + text).split(separator: " --", omittingEmptySubsequences: false)
      .enumerated()
    {
      let words = piece.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      if index > 0, let name = words.first,
        name.count == 1 && name.allSatisfy(\.isLetter) || otherWords.contains(name)
      {
        options.append((String(name), words.count > 1 ? words[1].trimmed : ""))
      } else if let last = options.indices.last {
        options[last].value += " --" + piece
      } else {
        prompt += index == 0 ? String(piece) : " --" + piece
      }
    }
    return (prompt.trimmed, options)
  }

  /// How it is drawn, for people; empty where it says nothing of that.
  var mannerText: String {
    let words: [String?] = [
      width.flatMap { width in height.map { "\(width)x\($0)" } }, cfg.map { "cfg \($0.shortest)" },
      guidance.map { "guidance \($0.shortest)" }, negative.map { "not \($0)" },
    ]
    return words.compactMap(\.self).joined(separator: ", ")
  }

  /// How it is drawn: the same for lines that differ in prompt and seed alone.
  var manner: PromptLine {
    var manner = PromptLine("")
    (manner.negative, manner.width, manner.height) = (negative, width, height)
    (manner.cfg, manner.guidance) = (cfg, guidance)
    return manner
  }
}
