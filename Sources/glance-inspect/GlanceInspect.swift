import ArgumentParser
import CommandSupport
import Failures
import Inspection
import JSON
import SystemPackage

/// Explains files in one screen each.
@main
struct GlanceInspect: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-inspect",
    abstract: "Explain a checkpoint, an adapter or a pipeline folder in one screen.",
    discussion: """
      PATH is a .safetensors file, a .safetensors.index.json, a folder of shards, a diffusers \
      component folder (config.json) or pipeline folder (model_index.json), or a PNG or JPEG. \
      Headers and configurations are read, tensor data is not; pictures are decoded to their end.
      """,
    examples: [
      ("What is this file?", "glance-inspect flux1-dev.safetensors"),
      ("Which scale and modules does an adapter have?", "glance-inspect glance-slow.safetensors"),
      ("List some tensors", "glance-inspect model.safetensors --tensors '*.attn.to_q.*'"),
      ("Is a download sound? Ends with 65 when it isn't", "glance-inspect --check model/"),
      ("For programs", "glance-inspect --json model.safetensors"),
    ])

  @Argument(help: "What to explain.", completion: .file())
  var paths: [FilePath]

  @Option(
    defaultAsFlag: "*",
    help: ArgumentHelp(
      "List the tensors whose names match GLOB (* and ?), or all; give it after PATH.",
      valueName: "glob"))
  var tensors: String?

  @Flag(help: "Only verify: print one line for each violation and end with 65 when there is one.")
  var check = false

  @Flag(help: "Print one JSON object, for several paths a list of them in 'reports'.")
  var json = false

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  mutating func validate() throws {
    if check, json || tensors != nil {
      throw ValidationError("--check prints violations only; leave --json and --tensors out.")
    }
  }

  func execute() throws {
    var failure: FailureKind?
    var reports: [JSONValue] = []
    for (index, path) in paths.enumerated() {
      let inspection: Inspection
      do { inspection = try Inspection(of: path) } catch {
        Terminal.failure(error.description)
        failure = failure ?? error.failureKind
        continue
      }
      if json {
        reports.append(inspection.json(listing: tensors))
      } else if check {
        if try !verify(inspection) { failure = failure ?? .wrongData }
      } else {
        try explain(inspection, isFirst: index == 0)
      }
    }
    if json { try printReports(reports) }
    if let failure { throw ExitCode(failure.rawValue) }
  }

  private func explain(_ inspection: Inspection, isFirst: Bool) throws {
    if !isFirst { try Terminal.output("\n") }
    var report = InspectionReport(inspection, isVerbose: common.verbose)
    if let tensors { report.list(inspection.tensors(matching: tensors)) }
    try Terminal.output(report.text)
  }

  /// Prints the violations; answers whether there was none.
  private func verify(_ inspection: Inspection) throws -> Bool {
    let violations = inspection.findings.filter { $0.severity == .error }
    for violation in violations {
      Terminal.failure("\(inspection.path): \(violation.text)")
    }
    if violations.isEmpty, !common.quiet {
      try Terminal.output("\(Terminal.safe(inspection.path.string, limit: 1000)): sound\n")
    }
    return violations.isEmpty
  }

  private func printReports(_ reports: [JSONValue]) throws {
    if paths.count == 1 {
      for report in reports { try Terminal.output(report.text(.pretty) + "\n") }
      return
    }
    let object: JSONValue = [
      "version": .integer(Int64(Inspection.jsonVersion)), "reports": .array(reports),
    ]
    try Terminal.output(object.text(.pretty) + "\n")
  }
}
