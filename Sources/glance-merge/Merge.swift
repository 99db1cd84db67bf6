import Adapters
import ArgumentParser
import CommandSupport
import Failures
import JSON
import Merging
import SystemPackage
import Tensors

@main
struct Merge: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-merge",
    abstract: "Bake adapters into a checkpoint, or bundle experts into one detachable file.",
    discussion: """
      Baking adds scale · B · A to the base's weights and rounds once; how much of every adapter \
      survives the rounding is printed. A phase is that of the adapter's metadata, or given as \
      slow=FILE, fast=FILE; FILE:0.8 is a strength.
      """,
    examples: [
      (
        "Bake the slow expert into a pipeline, for programs that know nothing of phases",
        "glance-merge FLUX.1-dev cat-slow.safetensors cat-fast.safetensors --phase slow --output FLUX.1-dev-cat-slow"
      ),
      (
        "Both phases, from a bundle",
        "glance-merge FLUX.1-dev cat.safetensors --phase both --output FLUX.1-dev-cat"
      ),
      (
        "Both experts and their schedule in one detachable file",
        "glance-merge --mode bundle cat-slow.safetensors cat-fast.safetensors --output cat.safetensors"
      ),
      (
        "And back into two files that diffusers loads",
        "glance-merge --mode split cat.safetensors --output experts"
      ),
    ])

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case bake
    case bundle
    case split
  }

  enum OutputType: String, ExpressibleByArgument, CaseIterable {
    case keep
    case f32
    case bf16
    case f16

    var dtype: DType? {
      switch self {
      case .keep: nil
      case .f32: .f32
      case .bf16: .bf16
      case .f16: .f16
      }
    }
  }

  @Argument(
    help: ArgumentHelp(
      "The base (only for baking), then adapters or bundles.",
      valueName: "base> <[phase=]adapter[:strength]"),
    completion: .file())
  var inputs: [String]

  @Option(help: "What to write: a file or a folder.", completion: .file())
  var output: FilePath

  @Option(help: "bake into the base, bundle experts, or split a bundle.")
  var mode = Mode.bake

  @Option(help: "Whose experts to bake: slow, fast, both, or another phase (default: all given).")
  var phase: String?

  @Option(help: "Strength of every adapter that has none of its own.")
  var scale = 1.0

  @Option(help: "Element type of the output; bundles keep f32 or bf16.")
  var dtype = OutputType.keep

  @Option(help: "Refuse when less than this (cosine, 0 to 1) survives rounding.")
  var minSurvival: Double?

  @Flag(help: "Let modules that the base lacks pass, naming them.")
  var partial = false

  @Flag(help: "Link a pipeline's other components instead of copying them.")
  var link = false

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    guard mode != .bake || inputs.count >= 2 else {
      throw ValidationError("Baking takes a base and at least one adapter.")
    }
    guard mode != .split || inputs.count == 1 else {
      throw ValidationError("Splitting takes one bundle.")
    }
    if let minSurvival, !(0...1).contains(minSurvival) {
      throw ValidationError("--min-survival: expected 0 to 1, found \(minSurvival)")
    }
    guard scale.isFinite else { throw ValidationError("--scale: expected a finite number") }
    guard dtype == .keep || mode == .bake || mode == .bundle && dtype != .f16 else {
      throw ValidationError("--dtype: expected keep, f32 or bf16 with --mode \(mode.rawValue)")
    }
  }

  func execute() throws {
    Parallel.threadCount = common.threadCount
    switch mode {
    case .bake: try bake()
    case .bundle: try bundle()
    case .split: try split()
    }
  }

  private func bake() throws {
    let base = FilePath(inputs[0])
    let adapters = try adapters(inputs.dropFirst())
    var jobs: [(output: FilePath, adapters: [MergedAdapter])] = []
    if phase == "both" {
      let ending = base.extension == "safetensors" ? ".safetensors" : ""
      for phase in ["slow", "fast"] {
        jobs.append((output.appending(phase + ending), try chosen(adapters, phase: phase)))
      }
    } else {
      jobs.append((output, try phase.map { try chosen(adapters, phase: $0) } ?? adapters))
    }
    let bakes = try jobs.map { job in
      var request = BakeRequest(base: base, adapters: job.adapters)
      request.dtype = dtype.dtype
      request.isPartial = partial
      request.minimumSurvival = minSurvival
      request.overwrite = outputs.force
      request.linksComponents = link
      return try Bake(request)
    }
    for bake in bakes where !bake.plan.leftOut.isEmpty {
      Terminal.warn(
        "left out, having no place in the base: "
          + bake.plan.leftOut.map { Terminal.safe($0) }.joined(separator: ", "))
    }
    let report = MergeReport(isVerbose: common.verbose)
    if outputs.dryRun { return try Terminal.output(report.plan(zip(jobs.map(\.output), bakes))) }
    if phase == "both" { try Bundling.makeFolder(output, mayExist: outputs.force) }
    var results: [BakeResult] = []
    for (job, bake) in zip(jobs, bakes) {
      let progress = ProgressLine(
        "merging \(job.output.lastComponent?.string ?? "")", total: bake.plan.byteCount,
        unit: .bytes)
      let written = Counter()
      results.append(
        try bake.write(to: job.output, linking: results.first?.output) { bytes in
          try Interruption.check()
          progress.update(written.add(bytes))
        })
      progress.finish()
    }
    try Terminal.output(json ? report.json(results).text(.pretty) + "\n" : report.text(results))
  }

  private func bundle() throws {
    let adapters = try adapters(inputs[...])
    try Bundling.write(
      adapters, to: output, dtype: dtype.dtype, overwrite: outputs.force,
      isDryRun: outputs.dryRun)
    try Terminal.output(
      adapters.map {
        "\($0.phase ?? "-"): \(Readable.count($0.adapter.modules.count, "module")) of "
          + "\(Terminal.safe($0.file.string))\n"
      }.joined() + (outputs.dryRun ? "" : "wrote \(Terminal.safe(output.string))\n"))
  }

  private func split() throws {
    let files = try Bundling.split(
      FilePath(inputs[0]), into: output, overwrite: outputs.force, isDryRun: outputs.dryRun)
    try Terminal.output(files.map { Terminal.safe($0.string) + "\n" }.joined())
  }

  /// Adapters that are named on the command line, `[phase=]file[:strength]`.
  private func adapters(_ arguments: ArraySlice<String>) throws -> [MergedAdapter] {
    try arguments.flatMap { argument in
      var file = argument
      var phase: String?
      if let equals = file.firstIndex(of: "="), !file[..<equals].contains("/") {
        phase = String(file[..<equals])
        file = String(file[file.index(after: equals)...])
      }
      var strength = scale
      if let colon = file.lastIndex(of: ":"),
        let given = Double(file[file.index(after: colon)...])
      {
        strength = given
        file = String(file[..<colon])
      }
      let adapters = try MergedAdapter.adapters(
        in: FilePath(file), phase: phase, strength: strength, isPartial: partial)
      if adapters.count == 1 {
        for note in try MergedAdapter.notes(on: FilePath(file)) { Terminal.warn(note) }
      }
      return adapters
    }
  }

  /// Those that serve a phase; adapters without a phase serve all.
  private func chosen(_ adapters: [MergedAdapter], phase: String) throws -> [MergedAdapter] {
    let chosen = adapters.filter { $0.phase == nil || $0.phase == phase }
    guard chosen.contains(where: { $0.phase == phase }) else {
      throw MergeError.noExpert(phase: phase, found: adapters.compactMap(\.phase))
    }
    return chosen
  }
}
