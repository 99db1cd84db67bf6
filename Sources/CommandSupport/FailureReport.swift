internal import Failures
internal import JSON

/// What `--json` prints when a command fails: formats/failure.md.
enum FailureReport {
  /// One JSON object, with a line end.
  ///
  /// - Parameters:
  ///   - message: the line that standard error has, without the command's name.
  ///   - status: the exit status.
  /// - Returns: the text for standard output.
  static func text(_ message: String, status: Int32) -> String {
    let kind = FailureKind(rawValue: status)
    let object: JSONValue = [
      "format": "glance-failure/1",
      "command": .string(ToolFacts.name),
      "status": .integer(Int64(status)),
      "kind": .string(kind.map(name) ?? "signal"),
      "error": .string(message),
    ]
    return object.text(.pretty) + "\n"
  }

  private static func name(of kind: FailureKind) -> String {
    switch kind {
    case .usage: "usage"
    case .wrongData: "wrong-data"
    case .inputMissing: "input-missing"
    case .unavailable: "unavailable"
    case .internalMistake: "internal-mistake"
    case .outputRefused: "output-refused"
    case .inputOutput: "input-output"
    }
  }
}
