internal import Failures
internal import JSON
internal import Synchronization

/// What `--json` prints when a command fails: formats/failure.md.
enum FailureReport {
  private static let isTold = Atomic(false)
  private static let tellsOfSignals = Atomic(false)

  /// Whether nobody has told of a failure yet; from then on somebody has. A signal may come while an
  /// error is being reported.
  static func isFirst() -> Bool { !isTold.exchange(true, ordering: .relaxed) }

  /// From now on a signal that ends the process is told, too.
  static func willTellOfSignals() { tellsOfSignals.store(true, ordering: .relaxed) }

  /// Tells of a signal where `--json` asks for that and no result has begun.
  static func tell(ofSignal number: Int32) {
    guard tellsOfSignals.load(ordering: .relaxed), !Terminal.hasOutput, isFirst() else { return }
    Terminal.finalWords(text("interrupted", status: 128 + number), complaint: "interrupted")
  }

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
      "command": .string(ToolFacts.tool),
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
