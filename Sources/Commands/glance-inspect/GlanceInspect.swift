internal import Adapters
internal import ArgumentParser
internal import Checkpoints
package import CommandSupport
internal import Concurrency
internal import Failures
internal import Inspection
internal import JSON
internal import SystemPackage

/// What `glance-inspect` runs.
package var inspectCommand: any Tool.Type { GlanceInspect.self }

/// Explains files in one screen each.
struct GlanceInspect: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-inspect",
    abstract: "Explain a checkpoint, an adapter or a pipeline folder in one screen.",
    discussion: """
      PATH is a .safetensors file, a .safetensors.index.json, a folder of shards, a diffusers \
      component folder (config.json) or pipeline folder (model_index.json), a .gguf, any of these \
      compressed by glance-convert, or a PNG, JPEG or WebP. A folder of several of these is listed, one line \
      for each. \
      Headers and configurations are read; tensor data only with --stats and --diff. Pictures are \
      decoded to their end.

      The status is 0 when a path could be explained, whatever problems are listed; 65 when its \
      content can't be read, or what was asked is answered with no: --check finds an error, \
      --against doesn't fit, --as applies less than all modules; 66 when it isn't there. What --diff \
      finds is no failure. Of several paths, and of what a folder holds, the first failure counts.
      """,
    examples: [
      ("What is this file?", "glance-inspect flux1-dev.safetensors"),
      ("Which scale and modules does an adapter have?", "glance-inspect glance-slow.safetensors"),
      (
        "What would diffusers apply of it?",
        "glance-inspect glance-slow.safetensors --as diffusers"
      ),
      (
        "Does an adapter fit a model?",
        "glance-inspect lora.safetensors --against flux1-dev.safetensors"
      ),
      ("What did a merge change?", "glance-inspect baked.safetensors --diff base.safetensors"),
      ("List some tensors", "glance-inspect model.safetensors --tensors '*.attn.to_q.*'"),
      (
        "What are their numbers like?",
        "glance-inspect model.safetensors --stats --tensors '*.attn.*'"
      ),
      ("A page to keep", "glance-inspect model/ --stats --html report.html"),
      ("Is a download sound? Ends with 65 when it isn't", "glance-inspect --check model/"),
      ("Are all its numbers finite, too?", "glance-inspect --check --stats model/"),
      (
        "What is in a folder, and what is there twice?",
        "glance-inspect ComfyUI/models --recursive --duplicates"
      ),
      ("For programs", "glance-inspect --json model.safetensors"),
    ])

  @Argument(help: "What to explain.", completion: .file())
  var paths: [FilePath]

  @Option(
    defaultAsFlag: "*",
    help: ArgumentHelp(
      "List the tensors whose names match GLOB (* and ?), or all.",
      valueName: "glob"))
  var tensors: String?

  @Flag(
    help: """
      Read the data: minimum, maximum, mean, standard deviation, shares of zeros and of small \
      numbers, NaN and infinities, and a histogram of every tensor, or of those of --tensors.
      """)
  var stats = false

  @Flag(
    help: """
      Only verify: print one line for each violation and end with 65 when there is one. Headers are \
      read; with --stats also the numbers, of which none may be NaN or infinite.
      """)
  var check = false

  @Option(
    name: .customLong("as"),
    help: ArgumentHelp(
      """
      Tell what a loader would do with the adapter: modules loaded, keys ignored, scales applied \
      (\(LoaderRules.names.joined(separator: ", "))); 65 if not all. This answer, like \
      those of --against and --diff, stands alone; --verbose adds the description.
      """, valueName: "loader"),
    completion: .list(LoaderRules.names), transform: loaderRules)
  var loader: LoaderRules?

  @Option(
    help: ArgumentHelp(
      "Tell whether it fits BASE, an adapter its modules, a checkpoint its tensors; 65 if not.",
      valueName: "base"), completion: .file())
  var against: FilePath?

  @Option(
    help: ArgumentHelp(
      """
      Compare with OTHER: two checkpoints tensor by tensor, two adapters by what they change, \
      whatever their layouts and dialects.
      """, valueName: "other"), completion: .file())
  var diff: FilePath?

  @Option(
    help: "Where the base of a difference is, when it isn't beside it.",
    completion: .file())
  var base: FilePath?

  @Option(
    help: ArgumentHelp("Write the report as a page that needs nothing else.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var html: FilePath?

  @Flag(help: "List what a folder holds, and what is in the folders in it.")
  var recursive = false

  @Flag(
    help:
      "List what a folder holds, and which files have the same content; reads those of equal size.")
  var duplicates = false

  @Flag(help: "Replace the page when it exists.")
  var force = false

  @OptionGroup var alpha: AssumedAlphaOption

  @Flag(help: "Print one JSON object, for several paths a list of them in 'reports'.")
  var json = false

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  static func prepare() { ModelFormats.readAhead() }

  static func commandLine() throws -> [String]? {
    TensorsOption(in: ToolFacts.arguments).arguments
  }

  /// Whether something is asked that is answered of one thing.
  var asksMore: Bool { loader != nil || against != nil || diff != nil }

  mutating func validate() throws {
    if check, asksMore || html != nil || (tensors != nil && !stats) {
      throw ValidationError(
        "--check tells violations only, of numbers too with --stats; leave other questions out.")
    }
    if html != nil, paths.count > 1 {
      throw ValidationError("--html writes the report of one PATH; give them one by one.")
    }
    if recursive || duplicates, asksMore || tensors != nil || stats {
      throw ValidationError(
        "--recursive and --duplicates list what a folder holds; ask other questions of its files.")
    }
    if check, duplicates {
      throw ValidationError("--check tells violations only; leave --duplicates out.")
    }
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    var failure: FailureKind?
    var reports: [JSONValue] = []
    for (index, path) in paths.enumerated() {
      let inspection: Inspected
      let details: InspectionDetails
      do {
        switch try subject(at: path) {
        case .folder(let listing):
          let (report, kind) = try show(listing, isFirst: index == 0)
          reports.append(report)
          failure = failure ?? kind
          continue
        case .whole(let whole): inspection = whole
        }
        details = try self.details(of: inspection)
      } catch {
        Terminal.failure("\(error)")
        failure = failure ?? failureKind(of: error)
        if json { reports.append(Inspected.json(of: path, problem: "\(error)")) }
        continue
      }
      if json { reports.append(inspection.json(details)) }
      if check {
        if try !verify(inspection, details) { failure = failure ?? .wrongData }
        continue
      }
      if details.isAnsweredNo { failure = failure ?? .wrongData }
      try show(inspection, details, isFirst: index == 0)
    }
    if json { try printReports(reports) }
    if let failure { throw ExitCode(failure.rawValue) }
  }
}
