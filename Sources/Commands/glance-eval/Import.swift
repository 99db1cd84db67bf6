internal import ArgumentParser
internal import CommandSupport
internal import Files
internal import JSON
internal import PictureBenchmarks
internal import SystemPackage

/// `glance-eval import`.
struct Import: ToolCommand {
  static let configuration = CommandConfiguration(
    verb: "import",
    abstract: "One table of the scores that benchmarks gave, with ratios to the teacher's.",
    discussion: """
      Each file is what a benchmark's scorer wrote, or what it printed, of one arm; which benchmark it \
      is shows from what is in it. OneIG-Bench's tables may be given as their folder. With --output the \
      table is written as JSON, CSV, Markdown and an HTML page, too.
      """,
    examples: [
      (
        "Two arms on two benchmarks",
        "glance-eval import teacher=teacher-geneval.jsonl glance=glance-geneval.jsonl teacher=teacher-hpsv2.txt glance=glance-hpsv2.txt --output scores"
      )
    ])

  @Argument(
    help: ArgumentHelp(
      "An arm's name and a file of its scores; an arm may have several.", valueName: "name=file"),
    completion: .file(), transform: ScoreArgument.init(parsing:))
  var scores: [ScoreArgument]

  @Option(help: "The arm that ratios are to.")
  var teacher = "teacher"

  @Option(
    name: [.customShort("o"), .long],
    help: "Write scores.json, scores.csv, scores.md and scores.html into this folder.",
    completion: .directory)
  var output: FilePath?

  @Flag(help: "Replace outputs that exist.")
  var force = false

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup(title: "Common options") var common: CommonOptions

  func execute() throws {
    let table = try ScoreTable(scores.map { ($0.arm, $0.file) }, teacher: teacher)
    if let output { try write(ScoreReport(table), to: output) }
    try Terminal.output(json ? table.json.text(.pretty) + "\n" : ScoreReport(table).text)
  }

  private func write(_ report: ScoreReport, to folder: FilePath) throws {
    let files = report.files.map { (folder.appending($0.name), $0.text) }
    try makeFolder(folder)
    for (file, _) in files { try AtomicFile.check(file, overwrite: force) }
    for (file, text) in files {
      try writeAtomically(unsafe Array(text.utf8).span.bytes, to: file, overwrite: force)
      Terminal.note("wrote \(file)")
    }
  }
}

/// `NAME=FILE`.
struct ScoreArgument {
  let arm: String
  let file: FilePath

  init(parsing text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw ValidationError("expected NAME=FILE, such as teacher=results.jsonl, found '\(text)'")
    }
    arm = String(parts[0])
    file = FilePath(String(parts[1]))
  }
}
