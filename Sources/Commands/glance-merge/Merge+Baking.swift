internal import Adapters
internal import CommandSupport
internal import Elements
internal import JSON
internal import Merging
internal import OptionGroups
internal import Reports
internal import Rewriting
internal import SystemPackage

/// Baking into a base, and taking it back.
extension Merge {
  func bake() throws {
    let adapters = try adapters(inputs.dropFirst())
    let base = FilePath(inputs[0])
    if phase == "both" {
      let phases = try BakedFolder.phases.map { ($0, try self.chosen(adapters, phase: $0)) }
      warn(about: adapters)
      return try bakeBoth(
        BothPhases(
          request(base: base, adapters: []), phases: phases, isWhole: baking.whole))
    }
    let serving = try serving(adapters)
    warn(about: serving)
    let bake = try Bake(request(base: base, adapters: serving))
    warn(of: [bake])
    let report = MergeReport(isVerbose: common.verbose)
    if outputs.dryRun { return try tell(planned: [bake], report) }
    let progress = ProgressLine("merging", total: bake.byteCount, unit: .bytes)
    let result = try bake.write(progress: Self.counting(progress))
    progress.finish()
    try tell([result], report)
  }

  private func bakeBoth(_ both: BothPhases) throws {
    warn(of: both.bakes)
    let report = MergeReport(isVerbose: common.verbose)
    if outputs.dryRun { return try tell(planned: both.bakes, report) }
    let results = try both.write { number in
      let bake = both.bakes[number]
      return Self.counting(
        ProgressLine(
          "merging \(bake.request.output.lastComponent?.string ?? "")",
          total: bake.byteCount, unit: .bytes))
    }
    if both.hasDifferences, let first = results.first?.output, let second = results.last?.output {
      Terminal.note(
        "\(second) is stored as the difference to \(first); this toolkit reads it as it is, for "
          + "others make it whole with glance-convert, or use --whole")
    }
    try tell(results, report)
  }

  private func request(base: FilePath, adapters: [MergedAdapter]) -> BakeRequest {
    var request = BakeRequest(base: base, output: destination, adapters: adapters)
    request.form = baking.storage.form(dtype: dtype.dtype, overwrite: outputs.force)
    request.inputBase = baking.storage.base
    request.isPartial = partial
    request.minimumSurvival = baking.minSurvival
    request.linksComponents = baking.link
    request.isReversible = baking.reversible
    return request
  }

  /// Tells a line of what was written so far, and ends when a signal came.
  private static func counting(
    _ progress: ProgressLine
  ) -> @Sendable (Int) throws -> Void {
    let written = Counter()
    return { bytes in
      try Interruption.check()
      progress.update(written.add(bytes))
    }
  }

  private func warn(of bakes: [Bake]) {
    for bake in bakes where !bake.leftOut.isEmpty {
      Terminal.warn(
        "left out, having no place in the base: "
          + bake.leftOut.map { SafeText.terminal($0) }.joined(separator: ", "))
    }
    for note in bakes.first?.plan.notes ?? [] { Terminal.warn(note) }
  }

  private func tell(planned bakes: [Bake], _ report: MergeReport) throws {
    try Terminal.output(
      json ? bakes.plannedJSON.text(.pretty) + "\n" : report.plan(bakes))
  }

  private func tell(_ results: [BakeResult], _ report: MergeReport) throws {
    for loss in results.flatMap(\.losses) where loss.loss.overflowCount > 0 {
      Terminal.warn(
        "\(Readable.count(loss.loss.overflowCount, "number")) overflowed in \(loss.tensor): the "
          + "sum of the base and the adapters is beyond what the output's type holds; lower a "
          + "strength, or write another --dtype")
    }
    try printResult(json: results.json(sentence: report.sentence), text: report.text(results))
  }

  func undo() throws {
    guard let undo = baking.undo else { return }
    let object: JSONValue = [
      "format": "glance-merge-undo/1", "dry_run": .bool(outputs.dryRun),
      "output": .string(destination.string),
    ]
    if outputs.dryRun {
      return try Terminal.output(
        json
          ? object.text(.pretty) + "\n" : "writes \(SafeText.terminal(destination.string))\n")
    }
    let progress = ProgressLine("restoring", total: nil, unit: .bytes)
    let written = Counter()
    try UndoFile(undo).restore(
      FilePath(inputs[0]), to: destination, overwrite: outputs.force
    ) { bytes in
      try Interruption.check()
      progress.update(written.add(bytes))
    }
    progress.finish()
    try printResult(
      json: object,
      text: "wrote \(SafeText.terminal(destination.string)), as it was before the merge\n"
    )
  }
}
