internal import ArgumentParser
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

  /// Refuses to replace the results of another evaluation: of another model, other prompts, noise or size.
  func checkIsOf(_ request: EvaluationRequest, overwrite: Bool) throws {
    let file = path.appending("results.json")
    guard !overwrite, let bytes = try? readWhole(file, atMost: 1 << 30),
      let there = try? unsafe JSONValue(parsing: bytes.span.bytes)
    else { return }
    for member in request.identity.members where there[member.key] != member.value {
      throw ValidationError(
        "--output: '\(path)' holds an evaluation with other \(member.key): choose another folder, or replace it "
          + "with --force")
    }
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
