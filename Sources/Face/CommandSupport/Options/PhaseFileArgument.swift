internal import Files
public import SystemPackage

/// A file as it is named on the command line with the phase that it is for: `[phase=]file`.
public struct PhaseFileArgument: Sendable {
  /// The file.
  public let file: FilePath
  /// The phase before the equals sign; nil when none is given.
  public let phase: String?

  /// Takes an argument apart; a file whose name has `=` in it is itself.
  public init(_ text: String) throws(AdapterArgument.Mistake) {
    let (phase, rest) = Self.parts(of: text)
    guard phase != "" else {
      throw AdapterArgument.Mistake("'\(text)' names no phase before '='; expected [phase=]file")
    }
    guard let file = FilePath(argument: String(rest)) else {
      throw AdapterArgument.Mistake("'\(text)' names no file; expected [phase=]file")
    }
    self.file = file
    self.phase = phase
  }

  /// The phase, and what follows it.
  static func parts(of text: String) -> (phase: String?, rest: Substring) {
    // Behind a colon stand strengths of blocks, which have equals signs too.
    guard let equals = text.firstIndex(of: "="), !text[..<equals].contains(where: "/:".contains),
      !FilePath(text).isThere
    else { return (nil, text[...]) }
    return (String(text[..<equals]), text[text.index(after: equals)...])
  }
}
