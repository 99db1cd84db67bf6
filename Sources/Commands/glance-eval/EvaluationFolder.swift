internal import Evaluation
internal import Files
internal import JSON
internal import SystemPackage

/// The folder that `glance-eval run` and `grid` fill.
struct EvaluationFolder {
  let path: FilePath

  /// The page for people.
  var page: FilePath { path.appending("report.html") }

  /// Makes the folder; one with other things than an evaluation in it is refused.
  init(_ path: FilePath, overwrite: Bool) throws {
    self.path = path
    let names = folderNames(path) ?? []
    guard overwrite || names.isEmpty || names.contains("latents") else {
      throw FileError.destinationExists(file: path)
    }
    try makeFolder(path)
  }

  /// What a person reads on the terminal.
  func summary(of results: EvaluationResults) -> String {
    ResultsText(results).summary + "\nThe page is \(page.string)\n"
  }

  func write(_ results: EvaluationResults, gridPrompts: Int) throws {
    let text = ResultsText(results)
    for (name, content) in [
      ("results.json", results.json.text(.pretty) + "\n"), ("results.csv", results.csv),
      ("results.md", text.markdown),
      ("report.html", try ResultsPage(results, text, in: path).text(prompts: gridPrompts)),
    ] {
      try writeAtomically(
        unsafe Array(content.utf8).span.bytes, to: path.appending(name), overwrite: true)
    }
  }
}
