public import Checkpoints
internal import Tensors

/// What a loader makes of an adapter file: which modules it applies, with which scales, and which keys
/// it leaves out.
public struct LoaderSimulation: Sendable {
  /// Name of the loader, as in `formats/loaders.json`.
  public let loader: String
  /// Its name for people, with the version.
  public let title: String
  /// How many modules of the model the file adapts; a key of fused ones counts for each.
  public let moduleCount: Int
  /// How many of them the loader applies.
  public private(set) var loadedCount = 0
  /// Why loading fails; nil when it doesn't.
  public private(set) var refusal: String?
  /// Keys that are left out, with the reason, in the order of the file.
  public private(set) var ignored: [(reason: String, keys: [String])] = []
  /// Scales that are applied, ascending, with the modules that they are applied to.
  public private(set) var scales: [Scale] = []
  /// What else a person should know.
  public private(set) var warnings: [String] = []

  /// Modules that a scale is applied to.
  public struct Scale: Sendable, Equatable {
    /// The factor of up · down.
    public let scale: Double
    /// How many modules.
    public let moduleCount: Int
    /// Their paths within blocks, each once.
    public let targets: [String]
  }

  /// How many keys are left out.
  public var ignoredKeyCount: Int { ignored.reduce(0) { $0 + $1.keys.count } }

  /// What a loader would do with an adapter file.
  ///
  /// - Parameters:
  ///   - file: the adapter.
  ///   - rules: the loader's.
  ///   - family: the model that it is loaded into; nil for the one that the modules belong to.
  public init(of file: AdapterFile, by rules: LoaderRules, into family: ModelFamily? = nil) {
    loader = rules.name
    title = rules.title
    moduleCount = file.modules.reduce(0) { $0 + max(1, $1.paths.count) }
    let facts = LoaderRules.Facts(file, family: family)
    if family == nil, file.families.count > 1 {
      warnings.append(
        "its modules are there in \(file.families.map(\.title).joined(separator: " and in ")); "
          + "this is about \(file.families[0].title)")
    }
    var applied: [(entry: AdapterFile.Entry, scale: Double)] = []
    for entry in file.entries {
      guard let rule = rules.rule(for: entry, facts) else { continue }
      if let wrapper = entry.wrappers.first {
        ignore(entry, "'\(wrapper)' is in its name, which no module of the model has")
        continue
      }
      if rule.outcome == .refuses, refusal == nil { refusal = rule.why }
      if rule.outcome == .loads, !entry.paths.isEmpty {
        applied.append((entry, entry.scale(rule, file.header)))
        let isNarrow = entry.meaning.map {
          !FamilyChoice.Module(entry).hasPublishedShape(in: $0.family)
        }
        for note in [rule.note, isNarrow == true ? rule.narrowNote : nil].compactMap(\.self)
        where !warnings.contains(note) { warnings.append(note) }
      } else {
        ignore(entry, entry.paths.isEmpty ? "no such module is known" : rule.why)
      }
    }
    let others = noteMethods(of: file, by: rules, facts)
    noteOtherKeys(of: file)
    if refusal == nil, !applied.isEmpty { refusal = Self.headerFault(of: file, by: rules) }
    if refusal == nil {
      loadedCount = (applied.map(\.entry) + others).reduce(0) { $0 + $1.paths.count }
      addScales(applied)
      compareScales(applied)
    }
    addAdvice(on: file, by: rules)
  }

  /// What a loader would do with a bundle: nothing, since its keys are made not to be taken for
  /// others.
  public init(of bundle: ExpertBundle, by rules: LoaderRules) {
    loader = rules.name
    title = rules.title
    moduleCount = bundle.experts.reduce(0) { $0 + $1.adapter.modules.count }
    warnings = [
      "a bundle holds the experts of several phases, which no loader applies at once; "
        + "split it to load one of them"
    ]
  }

  private mutating func ignore(_ entry: AdapterFile.Entry, _ reason: String) {
    ignore([entry.down, entry.up, entry.alpha].compactMap { $0?.name }, reason)
  }

  private mutating func ignore(_ keys: [String], _ reason: String) {
    guard !keys.isEmpty else { return }
    if let known = ignored.firstIndex(where: { $0.reason == reason }) {
      ignored[known].keys += keys
    } else {
      ignored.append((reason, keys))
    }
  }

  /// What happens to other methods.
  ///
  /// - Returns: the modules that only they change and that are applied.
  private mutating func noteMethods(
    of file: AdapterFile, by rules: LoaderRules, _ facts: LoaderRules.Facts
  ) -> [AdapterFile.Entry] {
    var known = Set(file.entries.map(\.name))
    var applied: [AdapterFile.Entry] = []
    for method in file.methods {
      let rule = rules.rule(for: method, facts)
      if let rule, rule.outcome == .refuses {
        refusal = refusal ?? "\(method.title): \(rule.why)"
      }
      if let rule, rule.outcome == .loads {
        applied += method.modules.filter {
          $0.component == AdapterFile.transformer && rules.applies($0, rule, facts)
            && known.insert($0.name).inserted
        }
      }
      warnings.append(
        "\(method.keyCount) keys of \(method.title), such as '\(method.example)': "
          + (rule?.why ?? "nothing is known of what it does with them"))
    }
    return applied
  }

  /// Keys that belong to no module.
  private mutating func noteOtherKeys(of file: AdapterFile) {
    for case .unknownKey(let key) in file.problems { ignore([key], "no part of an adapter") }
    if !file.textEncoderTensors.isEmpty {
      warnings.append("\(file.textEncoderTensors.count) keys of text encoders are not simulated")
    }
  }

  /// Why the file's own description of the adapter makes loading fail, where it is read.
  private static func headerFault(of file: AdapterFile, by rules: LoaderRules) -> String? {
    guard let rule = rules.header, let text = file.metadata(AdapterHeader.metadataKey) else {
      return nil
    }
    if let fault = rule.fault(of: text, component: AdapterFile.transformer) { return fault }
    guard let header = file.header else { return nil }
    for entry in file.entries {
      guard let rank = entry.rank, let path = entry.paths.first,
        let declared = header.rank(of: path), declared != rank
      else { continue }
      return "lora_adapter_metadata gives '\(path)' the rank \(declared), its tensors have \(rank)"
    }
    return nil
  }

  /// Says which conversion makes a file that it loads.
  private mutating func addAdvice(on file: AdapterFile, by rules: LoaderRules) {
    let isUsable = !file.problems.contains { $0.isError || $0.isNoPlainLoRA }
    guard loadedCount < moduleCount, isUsable, let family = file.families.first,
      (try? DialectRecipe.named(rules.dialect, family: family)) != nil
    else { return }
    warnings.append(
      "'glance-convert \(file.path) --dialect \(rules.dialect) --output FILE' makes one that it "
        + "loads")
  }

  private mutating func addScales(_ applied: [(entry: AdapterFile.Entry, scale: Double)]) {
    for scale in Set(applied.map(\.scale)).sorted() {
      let entries = applied.filter { $0.scale == scale }.map(\.entry)
      var targets: [String] = []
      for entry in entries {
        for target in entry.targets where !targets.contains(target) { targets.append(target) }
      }
      scales.append(
        Scale(
          scale: scale, moduleCount: entries.reduce(0) { $0 + $1.paths.count }, targets: targets))
    }
  }

  /// Warns where another scale is applied than the file means.
  private mutating func compareScales(_ applied: [(entry: AdapterFile.Entry, scale: Double)]) {
    var differences: [(meant: Double, place: String, scale: Double, count: Int)] = []
    for (entry, scale) in applied {
      guard let meant = entry.scale, abs(meant - scale) > 1e-6 * max(abs(meant), abs(scale)) else {
        continue
      }
      let place = entry.scaleStatedBy ?? "its alpha tensors"
      if let known = differences.firstIndex(where: {
        $0.meant == meant && $0.place == place && $0.scale == scale
      }) {
        differences[known].count += entry.paths.count
      } else {
        differences.append((meant, place, scale, entry.paths.count))
      }
    }
    for difference in differences {
      warnings.append(
        "scale \(difference.scale.plain) is applied to \(difference.count) modules for which "
          + "\(difference.place) says \(difference.meant.plain)")
    }
    let assumed = applied.filter { $0.entry.scaleSource == .assumed }
    if !assumed.isEmpty {
      let count = assumed.reduce(0) { $0 + $1.entry.paths.count }
      warnings.append(
        "no alpha is stored for \(count) modules, so that alpha = rank is taken; training with "
          + "another alpha is not reproduced")
    }
  }
}

extension LoaderRules.Facts {
  fileprivate init(_ file: AdapterFile, family: ModelFamily?) {
    self.family = family ?? file.families.first
    hasAnyAlpha = file.entries.contains { $0.alpha != nil }
    hasHeader = file.header != nil
    hasOnlyMethods = file.entries.isEmpty
    firstSuffix = FirstKeyRule.firstEntry(file.entries)?.suffix ?? ""
  }
}

extension AdapterFile.Entry {
  /// The scale that a loader applies: what it reads, multiplied where it reads both.
  fileprivate func scale(_ rule: LoaderRules.Rule, _ header: AdapterHeader?) -> Double {
    guard let rank, rank > 0 else { return 1 }
    var scale = 1.0
    if rule.readsAlpha, let alpha = alpha?.scalar, alpha.isFinite { scale *= alpha / Double(rank) }
    if rule.readsHeader, let header, let path = paths.first {
      scale *= header.scale(of: path, rank: rank)
    }
    return scale
  }

  /// The modules' paths within blocks.
  fileprivate var targets: [String] {
    guard let meaning else { return [] }
    return meaning.modules.map { position in
      let path = meaning.family.modules[position].path
      return path.tail.map { String($0.dropFirst()) } ?? path.head
    }
  }
}
