internal import CommandSupport
internal import Drawing
internal import Evaluation
internal import OptionGroups
internal import SystemPackage

/// An arm as it is named on the command line: `name: key=value key=value …`.
///
/// Values with spaces stand in double quotes.
struct ArmArgument {
  let request: ArmRequest

  private static let expected =
    "expected 'name: adapter=FILE schedule=glance-5+5 cfg=1', with any of adapter, transformer, "
    + "schedule, cfg, guidance, compat and assume-alpha"

  init(_ text: String) throws {
    guard let colon = text.firstIndex(of: ":") else {
      throw AdapterArgument.Mistake("--arm: '\(text)' has no name before a colon; \(Self.expected)")
    }
    let name = text[..<colon].split(separator: " ").joined(separator: " ")
    guard !name.isEmpty, !name.contains("=") else {
      throw AdapterArgument.Mistake("--arm: '\(text)' has no name before a colon; \(Self.expected)")
    }
    var request = ArmRequest(name: name)
    for word in Self.words(of: text[text.index(after: colon)...]) {
      guard let equals = word.firstIndex(of: "=") else {
        throw AdapterArgument.Mistake("--arm \(name): '\(word)' is no key=value; \(Self.expected)")
      }
      let value = String(word[word.index(after: equals)...])
      try Self.set(String(word[..<equals]), value, in: &request)
    }
    self.request = request
  }

  private static func set(
    _ key: String, _ value: String, in request: inout ArmRequest
  ) throws {
    func number() throws(AdapterArgument.Mistake) -> Double {
      guard let number = Double(value), number.isFinite else {
        throw AdapterArgument.Mistake(
          "--arm \(request.name): \(key)=\(value): expected a number, found '\(value)'")
      }
      return number
    }
    switch key {
    case "adapter":
      request.adapters[0].append(try DrawingRequest.AdapterRequest(AdapterArgument(value)))
    case "transformer":
      let argument = try PhaseFileArgument(value)
      request.transformers.append(.init(file: argument.file, phase: argument.phase))
    case "schedule": request.schedule = value
    case "cfg": request.cfg = try number()
    case "guidance": request.guidance = try number()
    case "assume-alpha": request.assumedAlpha = try number()
    case "compat":
      guard let compatibility = DrawingRequest.Compatibility(rawValue: value) else {
        let known = DrawingRequest.Compatibility.allCases.map(\.rawValue).joined(separator: " or ")
        throw AdapterArgument.Mistake(
          "--arm \(request.name): compat=\(value): expected \(known)")
      }
      request.compatibility = compatibility
    default:
      throw AdapterArgument.Mistake(
        "--arm \(request.name): unknown key '\(key)'; \(expected)")
    }
  }

  /// Words between spaces, except where double quotes stand around them.
  private static func words(of text: Substring) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for letter in text {
      if letter == "\"" {
        isQuoted.toggle()
      } else if letter == " ", !isQuoted {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(letter)
      }
    }
    return word.isEmpty ? words : words + [word]
  }
}
