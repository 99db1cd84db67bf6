internal import ArgumentParser
internal import CommandSupport
internal import ExpertTraining
internal import Files
internal import SystemPackage

/// What is written.
struct ResultOptions: ParsableArguments {
  enum FactorType: String, ExpressibleByArgument, CaseIterable {
    case f32
    case bf16
  }

  @Option(
    name: [.customShort("o"), .long],
    help: "Folder for NAME-slow.safetensors and the rest.", completion: .directory)
  var output: FilePath

  @Option(help: "What the files' names begin with.")
  var name = "glance"

  @Option(help: "Title in the adapters' metadata (default: name and phase).")
  var title: String?

  @Option(help: "Element type of the adapters.")
  var adapterDtype = FactorType.f32

  @Option(help: "Save the state every so many steps; 0: only at the end and on Ctrl-C, as always.")
  var saveEvery = 10

  @Flag(
    help: "Go on from the saved states of the same settings; --steps may be larger than before.")
  var resume = false

  @Flag(
    help: "Keep the states when all is trained, so that --resume can add steps without repeating.")
  var keepState = false

  @Flag(
    help: """
      Train the experts at once, a step of each in turn: ranks of a run under mpirun then have an expert each, \
      or more of its items. The files are the same.
      """)
  var phasesAtOnce = false

  @Flag(
    help:
      "Write NAME.csv, NAME.jsonl, NAME-report.html and, for TensorBoard, NAME.events/, at every save."
  )
  var log = false

  @Option(
    help:
      "Draw this with the experts so far, into NAME-previews/ and the log's page, as glance-sample would."
  )
  var preview: String?

  @Option(help: "Draw it every so many steps; 0: only after an expert's last step (default: 0).")
  var previewEvery: Int?

  @Flag(help: "Write the published, defective form of the adapter file (for comparisons only).")
  var legacyFile = false

  @Option(
    help: "Take options from this JSON file, its paths seen from its folder; those given here win.",
    completion: .file())
  var config: FilePath?

  mutating func validate() throws {
    try TrainingLimit.saveEvery.check(saveEvery)
    try TrainingLimit.previewEvery.check(previewEvery)
    guard preview?.allSatisfy(\.isWhitespace) != true else {
      throw ValidationError("--preview: expected a prompt, found an empty one")
    }
    if let preview, FilePath(preview).isRegularFile || FilePath(preview).isFolder {
      throw ValidationError(
        "--preview: expected a prompt, found the name of a file or folder, '\(preview)'")
    }
    guard previewEvery == nil || preview != nil else {
      throw ValidationError("--preview-every needs a --preview.")
    }
    guard preview == nil || !legacyFile else {
      throw ValidationError(
        "--preview: expected files that hold what is trained, found --legacy-file")
    }
    guard preview == nil || !phasesAtOnce else {
      throw ValidationError(
        "--preview: expected experts one after the other, which it draws with, found --phases-at-once"
      )
    }
    guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
      throw ValidationError("--name: expected a file's name, found '\(name)'")
    }
  }
}
