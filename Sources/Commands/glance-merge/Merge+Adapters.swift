internal import AdapterAlgebra
internal import Adapters
internal import CommandSupport
internal import Elements
internal import JSON
internal import Merging
internal import OptionGroups
internal import Reports
internal import SystemPackage

/// Adapters of adapters, bundles, and what they are read from.
extension Merge {
  func bundle() throws {
    let adapters = try adapters(inputs[...])
    guard dtype.dtype.map({ [.f32, .bf16].contains($0) }) ?? true else {
      throw MergeError.usage("--dtype: bundles keep f32 or bf16, found \(dtype.rawValue)")
    }
    let bundle = try ExpertBundle(of: adapters)
    if !outputs.dryRun {
      try bundle.write(to: destination, dtype: dtype.dtype, overwrite: outputs.force)
    }
    warn(about: adapters)
    if adapters.count == 1 {
      Terminal.warn("a bundle of one expert: its adapter alone would do")
    }
    let report = BundleReport(adapters, output: destination, isWritten: !outputs.dryRun)
    try tell(
      json: adapters.bundleJSON(output: destination, isWritten: !outputs.dryRun), text: report.text)
  }

  func split() throws {
    let file = FilePath(inputs[0])
    let stem = file.stem ?? "expert"
    let bundle = try ExpertBundle(opening: file)
    let files =
      outputs.dryRun
      ? bundle.files(in: destination, stem: stem)
      : try bundle.split(into: destination, stem: stem, overwrite: outputs.force)
    let object: JSONValue = [
      "format": "glance-merge-split/1", "dry_run": .bool(outputs.dryRun),
      "outputs": .array(files.map { .string($0.string) }),
    ]
    let verb = outputs.dryRun ? "writes" : "wrote"
    try tell(
      json: object, text: files.map { "\(verb) \(SafeText.terminal($0.string))\n" }.joined())
  }

  func mergeAdapters() throws {
    var adapters = try adapters(inputs[...])
    adapters = try serving(adapters)
    warn(about: adapters)
    let result = try DerivedAdapter(combining: adapters, reducedTo: algebra.rule)
    try write(result)
  }

  func extract() throws {
    guard let tuned = algebra.extract else { return }
    var options = ExtractionOptions(rank: algebra.rank, energy: algebra.energy)
    options.targets = algebra.targets?.split(separator: ",").map(String.init)
    let progress = ProgressLine(
      "extracting", total: nil, unit: .items(plural: "weights", singular: "weight"))
    let result = try DerivedAdapter(
      base: FilePath(inputs[0]), tuned: tuned, tunedBase: baking.storage.base, options
    ) { index, _ in
      progress.update(index)
      return Interruption.signal == nil
    }
    progress.finish()
    try Interruption.check()
    if let result { try write(result) }
  }

  private func write(_ result: DerivedAdapter) throws {
    var options = AdapterWritingOptions()
    options.form = .dialect(algebra.dialect)
    options.alpha = algebra.alpha
    options.dtype = dtype == .keep ? nil : dtype.dtype
    options.overwrite = outputs.force
    if !outputs.dryRun { try result.adapter.write(to: destination, options) }
    let report = AdapterMergeReport(result, output: destination, isWritten: !outputs.dryRun)
    for note in report.notes { Terminal.warn(note) }
    try tell(
      json: result.json(output: destination, isWritten: !outputs.dryRun), text: report.text)
  }

  /// Prints what was made or, with `--dry-run`, what would be, even where `--quiet` is given.
  private func tell(json value: JSONValue, text: String) throws {
    guard outputs.dryRun, !json else { return try printResult(json: value, text: text) }
    try Terminal.output(text)
  }

  func compare() throws {
    var adapters = try adapters(inputs[...])
    if let phase { adapters = try chosen(adapters, phase: phase) }
    guard adapters.count == 2 else {
      throw MergeError.usage(
        "comparing takes two adapters, found \(adapters.count); split bundles first, or give --phase"
      )
    }
    let (first, second) = (adapters[0], adapters[1])
    let found = try AdapterCompatibility(
      first.adapterByBlocks, second.adapterByBlocks, phases: (first.phase, second.phase))
    let report = CompatibilityReport(
      found, phases: [first.phase, second.phase], isVerbose: common.verbose)
    guard json else { return try Terminal.output(report.text) }
    let object = found.json(phases: [first.phase, second.phase], sentence: report.sentence)
    try Terminal.output(object.text(.pretty) + "\n")
  }

  /// Adapters that are named on the command line, `[phase=]file[:strength]`.
  func adapters(_ arguments: ArraySlice<String>) throws -> [MergedAdapter] {
    let shared = try BlockStrengths(scale?.blocks ?? [])
    var sharing: [Adapter] = []
    let all = try arguments.flatMap { text in
      let argument = try AdapterArgument(text)
      let own = try BlockStrengths(argument.blocks)
      let (adapters, notes) = try MergedAdapter.adapters(
        in: argument.file, phase: argument.phase,
        strength: argument.strength ?? scale?.number ?? 1, blocks: own.isEmpty ? shared : own,
        assumedAlpha: alpha.assumeAlpha, includesTextEncoders: takesTextEncoders,
        isPartial: partial, otherMethods: otherMethods,
        family: family)
      for note in notes { note.warn(of: "\(argument.file)") }
      if own.isEmpty {
        sharing += adapters.map(\.adapter)
      } else {
        try own.check(in: adapters.map(\.adapter), of: "\(argument.file)")
      }
      return adapters
    }
    try shared.check(in: sharing, of: "--scale")
    return all
  }

  /// Whether text encoders are merged, or compared, too.
  private var takesTextEncoders: Bool {
    if mode == .compare { return true }
    guard mode == .bake, baking.storage.gguf == nil, let base = inputs.first else { return false }
    return BakeRequest.takesTextEncoders(base: FilePath(base), output: destination)
  }

  /// A bake adds any change, a lower rank makes a LoRA of any matrix, and what is only compared may be of any.
  private var otherMethods: AdapterReadingOptions.OtherMethods {
    switch mode {
    case .bake: .asTheyAre
    case .compare: .asLoRAOfAnySize
    default: algebra.rule == nil ? .asLoRA : .asLoRAOfAnySize
    }
  }

  /// Says what is odd about the adapters that are used.
  func warn(about adapters: [MergedAdapter]) {
    for caution in MergedAdapter.cautions(on: adapters) { Terminal.warn(caution) }
  }

  /// Those of `--phase`, else all, which must not be for different parts of a schedule: their sum
  /// would be for none.
  func serving(_ adapters: [MergedAdapter]) throws -> [MergedAdapter] {
    if let phase { return try chosen(adapters, phase: phase) }
    let phases = Set(adapters.compactMap(\.phase))
    guard phases.count <= 1 else {
      throw MergeError.usage(
        "the adapters serve different phases (\(phases.sorted().joined(separator: ", "))); "
          + "give --phase")
    }
    return adapters
  }

  /// Those that serve a phase; adapters without a phase serve all.
  func chosen(_ adapters: [MergedAdapter], phase: String) throws -> [MergedAdapter] {
    let chosen = adapters.filter { $0.phase == nil || $0.phase == phase }
    guard chosen.contains(where: { $0.phase == phase }) else {
      throw MergeError.noExpert(phase: phase, found: adapters.compactMap(\.phase))
    }
    return chosen
  }
}
