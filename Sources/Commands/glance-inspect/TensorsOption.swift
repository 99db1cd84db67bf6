internal import Files
internal import SystemPackage

/// `--tensors` with a path behind it, which is what was to be explained and no pattern.
struct TensorsOption {
  /// The arguments with the path in its place; nil when there is nothing to put right.
  let arguments: [String]?

  init(in given: [String]) {
    var arguments = given
    let end = given.firstIndex(of: "--") ?? given.endIndex
    for index in given[..<end].indices where given[index] == "--tensors" {
      guard index + 1 < end, Self.isPath(given[index + 1]) else { continue }
      arguments[index] = "--tensors=*"
    }
    self.arguments = arguments == given ? nil : arguments
  }

  /// Whether a word is a path rather than a pattern: names of tensors have no slash, and none is that
  /// of a file.
  private static func isPath(_ word: String) -> Bool {
    if word.hasPrefix("-") { return false }
    let path = FilePath(word)
    if path.isThere { return true }
    let isPattern = word.contains { "*?".contains($0) }
    return !isPattern
      && (word.contains("/") || ["safetensors", "gguf"].contains(path.extension ?? ""))
  }
}
