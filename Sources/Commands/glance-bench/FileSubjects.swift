internal import Adapters
internal import ArgumentParser
internal import Benchmarking
internal import CommandSupport
internal import Merging
internal import OptionGroups
internal import SystemPackage

/// What happens to files.
struct FileSubjects: ParsableArguments {
  @Option(help: "The checkpoint: a file or a folder.", completion: .file())
  var checkpoint: FilePath?

  @Option(
    help: ArgumentHelp(
      "An adapter to merge; repeat for several.", valueName: "[phase=]file[:strength]"),
    completion: .file())
  var adapter: [String] = []

  @Option(help: "Layout to convert to: diffusers, bfl or comfyui (default: the checkpoint's).")
  var layout: String?

  @Option(help: "Element type to convert to (default: each tensor's own).")
  var dtype: ElementType?

  @Option(
    help: """
      Folder on the disk that is measured, with room for an output; nothing stays there (default: the \
      checkpoint's).
      """, completion: .directory)
  var scratch: FilePath?

  /// Every option, whether it was given, and what it is for.
  var given: [(name: String, isGiven: Bool, subjects: [Bench.Subject])] {
    [
      ("--checkpoint", checkpoint != nil, [.convert, .merge, .inspect]),
      ("--adapter", !adapter.isEmpty, [.merge]), ("--layout", layout != nil, [.convert]),
      ("--dtype", dtype != nil, [.convert]), ("--scratch", scratch != nil, [.convert, .merge]),
    ]
  }

  /// Refuses to go on without what a subject needs.
  func check(_ subject: Bench.Subject) throws {
    guard [.convert, .merge, .inspect].contains(subject) else { return }
    guard checkpoint != nil else {
      throw ValidationError("\(subject.rawValue) takes --checkpoint, a file or a folder.")
    }
    guard subject != .merge || !adapter.isEmpty else {
      throw ValidationError("merge takes --adapter, at least one.")
    }
  }

  /// A job on the checkpoint.
  func benchmark(_ job: FileBenchmark.Job) throws -> FileBenchmark {
    let checkpoint = checkpoint ?? ""
    let beside = checkpoint.removingLastComponent()
    return try FileBenchmark(
      job, of: checkpoint, in: scratch ?? (beside.isEmpty ? "." : beside))
  }

  /// The adapters that were named.
  func adapters() throws -> [MergedAdapter] {
    try adapter.flatMap { text in
      let argument = try AdapterArgument(text)
      return try MergedAdapter.adapters(
        in: argument.file, phase: argument.phase, strength: argument.strength ?? 1,
        blocks: try BlockStrengths(argument.blocks), isPartial: false
      ).adapters
    }
  }
}
