import ArgumentParser
import CommandSupport
import Failures
import Files
import Glibc
import JSON
import Safetensors
import SystemPackage

/// A command for tests: does one thing of what commands do, so that tests can watch it from outside.
@main
struct CommandProbe: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "command-probe", abstract: "Do one thing that tests watch.",
    examples: [("Print a line", "command-probe print --lines 1")])

  enum Action: String, ExpressibleByArgument, CaseIterable {
    case print, result, fail, say, hold, save, stuck, progress, emphasis, path, exists
  }

  @Argument(help: "What to do.")
  var action: Action

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  @OptionGroup
  var output: OutputOptions

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  static let wordsOfOthers = ["--amount": "lines are --lines N", "-n": "lines are --lines N"]

  @Option(help: "Lines to print.")
  var lines = 1

  @Option(help: "Any number.")
  var number: Double?

  @Option(help: "An exit status to fail with.")
  var status: Int32 = 65

  @Option(help: "Any text.")
  var text = "text"

  @Option(help: "A file.")
  var file: FilePath?

  @Option(help: "A size.", transform: PictureSize.init(parsing:))
  var size: PictureSize?

  mutating func validate() throws {
    if text == "refused" { throw ProbeError(kind: .wrongData, text: "--text: refused") }
  }

  func execute() throws {
    switch action {
    case .print:
      for line in 0..<lines { try Terminal.output("line \(line)\n") }
    case .result:
      try printResult(
        json: ["number": number.map { .number($0) } ?? .null], text: "number \(number ?? 0)\n")
    case .fail: throw ProbeError(kind: FailureKind(rawValue: status) ?? .wrongData, text: text)
    case .say: say()
    case .hold: try hold()
    case .save: try Interruption.cooperating { try waitToSave() }
    case .stuck: try Interruption.cooperating { try ready() }
    case .progress: showProgress()
    case .emphasis:
      try Terminal.output(Terminal.emphasised(text, .red) + "\n")
    case .path:
      let bytes = unsafe file?.withPlatformString {
        unsafe Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
      }
      try Terminal.output("\((bytes ?? []).map(UInt8.init(bitPattern:)))\n")
    case .exists: _ = try SafetensorsFile(opening: file ?? "nothing")
    }
  }

  private func say() {
    Terminal.note(text)
    Terminal.warn("careful")
    Terminal.detail("detail")
  }

  /// Says that signals may come, then waits for one.
  private func ready() throws {
    try Terminal.output("ready\n")
    for _ in 0..<20_000 { usleep(1000) }
  }

  private func hold() throws {
    let output = try AtomicFile(creating: file ?? "output", byteCount: 4, overwrite: true)
    let bytes: [UInt8] = [1, 2, 3, 4]
    try output.write(unsafe bytes.span.bytes, at: 0)
    try ready()
    try output.commit()
  }

  private func waitToSave() throws {
    try Terminal.output("ready\n")
    while !Interruption.isRequested { usleep(1000) }
    let saved = try AtomicFile(creating: file ?? "output", byteCount: 1, overwrite: true)
    let bytes: [UInt8] = [7]
    try saved.write(unsafe bytes.span.bytes, at: 0)
    try saved.commit()
    try Interruption.check()
  }

  private func showProgress() {
    let progress = ProgressLine("counting", total: 12, unit: .steps)
    for step in 1...12 {
      usleep(100_000)
      progress.update(step, note: "loss 0.5")
      if step == 6 { Terminal.note("half") }
    }
    progress.finish()
    Terminal.note("done")
  }
}

struct ProbeError: ClassifiedError, CustomStringConvertible {
  let kind: FailureKind
  let text: String
  var failureKind: FailureKind { kind }
  var description: String { text }
}
