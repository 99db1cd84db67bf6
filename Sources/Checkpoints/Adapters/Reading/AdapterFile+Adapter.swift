internal import Checkpoints
public import SystemPackage
internal import Tensors
internal import Text

/// How an adapter file is turned into an adapter.
public struct AdapterReadingOptions: Sendable {
  /// Whether modules and keys that are not known are left out instead of refusing the file.
  public var isPartial = false
  /// Whether the text encoders' parts are read too. Then what is wrong with them refuses the file as
  /// well, and one that has nothing else is an adapter.
  public var includesTextEncoders = false
  /// How changes by methods beside plain LoRA are taken; a file with others is refused.
  public var otherMethods = OtherMethods.asLoRA
  /// Whether the factors may be a difference to what is left of a base without its ``BaseFactors``: for who
  /// takes those out of them, too.
  public var includesBaseFactors = false
  /// Whether all factors are read to make sure that they are finite.
  public var checksValues = true

  /// Ways to take changes by methods beside plain LoRA.
  public enum OtherMethods: Sendable {
    /// Those that are low-rank pairs in another form, exactly and no larger than the weight.
    case asLoRA
    /// Those that are low-rank pairs of any size: for who lowers their rank.
    case asLoRAOfAnySize
    /// Those that are low-rank pairs of any size, and the others as they are.
    case asLoRAOfAnySizeOrAsTheyAre
    /// Those that are low-rank pairs as ``asLoRA`` has them, and the others as they are: for who computes
    /// with the pairs, and has the base at hand.
    case asLoRAOrAsTheyAre
    /// All that are read, as they are, see ``Adapter/changes``.
    case asTheyAre
  }

  /// Strict reading.
  public init() {}
}

extension AdapterReadingOptions.OtherMethods {
  /// Whether low-rank pairs are taken that are larger than the weight.
  fileprivate var takesAnySize: Bool {
    self == .asLoRAOfAnySize || self == .asLoRAOfAnySizeOrAsTheyAre
  }

  /// The same with what is no low-rank pair as it is.
  package var keepingOthers: Self {
    switch self {
    case .asLoRA: .asLoRAOrAsTheyAre
    case .asLoRAOfAnySize: .asLoRAOfAnySizeOrAsTheyAre
    case .asLoRAOrAsTheyAre, .asLoRAOfAnySizeOrAsTheyAre, .asTheyAre: self
    }
  }
}

extension Adapter {
  /// Opens an adapter file of any known dialect. Every module counts, and every problem that would
  /// change its meaning refuses the file.
  public init(
    opening path: FilePath, assumedAlpha: Double? = nil,
    _ options: AdapterReadingOptions = AdapterReadingOptions()
  ) throws {
    self = try AdapterFile(opening: path, assumedAlpha: assumedAlpha).adapter(options)
  }
}

extension AdapterFile {
  /// The one meaning of this file.
  public func adapter(
    _ options: AdapterReadingOptions = AdapterReadingOptions()
  ) throws -> Adapter {
    let tolerated = leftOut(options)
    let errors = problems(options).filter {
      ($0.isError || $0.isNoPlainLoRA) && !tolerated.contains($0)
    }
    guard errors.isEmpty else { throw AdapterError.unusable(file: path, problems: errors) }
    let own = try part(entries, of: Self.transformer, options.otherMethods)
    var textEncoders: [String: AdapterPart] = [:]
    if options.includesTextEncoders {
      let all = textEncoderEntries.map(\.component) + changes.keys
      for component in Set(all) where component != Self.transformer {
        let entries = textEncoderEntries.filter { $0.component == component }
        textEncoders[component] = try part(entries, of: component, options.otherMethods)
      }
      textEncoders = textEncoders.filter { !$0.value.isEmpty }
    }
    guard !own.isEmpty || !textEncoders.isEmpty else {
      let only = problems.filter { if case .onlyTextEncoders = $0 { true } else { false } }
      throw AdapterError.unusable(file: path, problems: only.isEmpty ? [.empty] : only)
    }
    if options.checksValues {
      try checkValues(of: entries)
      if options.includesTextEncoders { try checkValues(of: textEncoderEntries) }
      for (component, changes) in changes
      where component == Self.transformer || options.includesTextEncoders {
        try checkValues(of: changes)
      }
    }
    return Adapter(
      family: family, modules: own.modules, changes: own.changes, textEncoders: textEncoders,
      metadata: trueMetadata)
  }

  /// What is done to a component, whose entries these are.
  private func part(
    _ entries: [Entry], of component: String, _ otherMethods: AdapterReadingOptions.OtherMethods
  ) throws -> AdapterPart {
    let changes = changes[component] ?? []
    var part = AdapterPart(modules: entries.flatMap(\.modules))
    if otherMethods != .asTheyAre {
      part.modules += try lowRankModules(
        changes, beside: part.modules, ofAnySize: otherMethods.takesAnySize)
    }
    part.changes =
      switch otherMethods {
      case .asLoRA, .asLoRAOfAnySize: []
      case .asLoRAOrAsTheyAre, .asLoRAOfAnySizeOrAsTheyAre:
        changes.filter { !$0.hasLowRankForm(ofAnySize: otherMethods.takesAnySize) }
      case .asTheyAre: changes
      }
    return part
  }

  /// What the factors have of the base's own weights, and the name of the method; nil where that is nothing,
  /// or can't be told.
  public var baseFactors: (method: String, factors: BaseFactors)? {
    problems.lazy.compactMap(\.baseFactors).first
  }

  /// The metadata without what they say of another model; a description in one text goes as a whole.
  private var trueMetadata: Metadata {
    metadata.filter { member in
      !untrueKeys.contains(member.key)
        && !(member.key == AdapterHeader.metadataKey
          && untrueKeys.contains { $0.utf8HasSuffix(".base_model_name_or_path") })
    }
  }

  /// What ``adapter(_:)`` leaves out instead of refusing the file, when it may.
  public func leftOut(_ options: AdapterReadingOptions) -> [AdapterProblem] {
    guard options.isPartial else { return [] }
    return problems(options).filter { problem in
      switch problem {
      case .unknownKey, .unknownModule, .notLinear, .wrongChange: true
      case .otherMethod(let facts), .noPlainLoRA(let facts, _): facts.isOptional
      default: false
      }
    }
  }

  /// The problems of everything that is read.
  private func problems(_ options: AdapterReadingOptions) -> [AdapterProblem] {
    func remaining(_ problems: [AdapterProblem]) -> [AdapterProblem] {
      problems.filter { !isSettled($0, by: options.otherMethods) }
    }
    var problems = remaining(problems)
    if options.includesBaseFactors, let known = baseFactors {
      problems.removeAll { $0.baseFactors?.factors == known.factors }
    }
    guard options.includesTextEncoders else { return problems }
    return problems.filter { !$0.saysTextEncodersAreLeftOut } + remaining(textEncoderProblems)
  }

  /// Whether a way to take other methods has an answer to what a problem says of one.
  package func isSettled(
    _ problem: AdapterProblem, by way: AdapterReadingOptions.OtherMethods
  ) -> Bool {
    guard case .noPlainLoRA(_, let reason) = problem else { return false }
    return switch way {
    case .asLoRA: false
    case .asLoRAOfAnySize: reason == .isTooLarge
    case .asLoRAOrAsTheyAre, .asLoRAOfAnySizeOrAsTheyAre, .asTheyAre: true
    }
  }

  /// Whether something is changed otherwise than by LoRAs, or what is one exactly.
  package var changesMore: Bool {
    changes.values.joined().contains { !$0.hasLowRankForm() }
  }

  /// The modules whose change is a LoRA, but exactly only of one larger than the weight, by the names that
  /// ``Adapter/name(of:in:)`` gives them.
  public var modulesOfAnyRank: Set<String> {
    Set(
      changes.flatMap { component, changes in
        changes.lazy.filter { !$0.hasLowRankForm() && $0.hasLowRankForm(ofAnySize: true) }
          .map { Adapter.name(of: $0.path, in: component) }
      })
  }

  /// The changes that are plain LoRAs in another form.
  private func lowRankModules(
    _ changes: [ParameterChange], beside known: [AdapterModule], ofAnySize isAnySize: Bool
  ) throws -> [AdapterModule] {
    let found = changes.compactMap { $0.lowRankForm(ofAnySize: isAnySize) }
    var paths = Dictionary(
      known.map { ($0.path, $0.name) }, uniquingKeysWith: { first, _ in first })
    for module in found {
      if let other = paths.updateValue(module.name, forKey: module.path) {
        throw AdapterError.unusable(
          file: path, problems: [.givenTwice(module: module.path, names: [other, module.name])])
      }
    }
    return found
  }

  private func checkValues(of changes: [ParameterChange]) throws {
    var known = Set<String>()
    for change in changes {
      for tensor in change.values.tensors + [change.magnitude].compactMap(\.self)
      where known.insert(tensor.name).inserted && !tensor.floats().allSatisfy(\.isFinite) {
        throw AdapterError.unusable(file: path, problems: [.notFinite(key: tensor.name)])
      }
    }
  }

  /// Refuses factors that hold NaN or infinity: one such number spoils whole rows of a base.
  private func checkValues(of entries: [Entry]) throws {
    for entry in entries {
      for factor in [entry.down, entry.up] {
        guard let factor, !factor.floats().allSatisfy(\.isFinite) else { continue }
        throw AdapterError.unusable(file: path, problems: [.notFinite(key: factor.name)])
      }
    }
  }
}

extension AdapterFile.Entry {
  /// The modules of a sound entry: several when it holds fused ones, none when it isn't known.
  fileprivate var modules: [AdapterModule] {
    guard isPlain, !paths.isEmpty, let down, var up, let scale,
      let rows = partRows(down: down.shape, up: up.shape)
    else { return [] }
    if kind == .norm || meaning != nil && kind != .linear { return [] }
    if meaning?.swapsHalves == true { up = up.swappingHalves() }
    let factors = rows.count == 1 ? [(down, up)] : splitFactors(down: down, up: up, rows: rows)
    return zip(paths, factors).compactMap { path, factors in
      factors.map {
        AdapterModule(
          path: path, name: name, down: $0.down, up: $0.up, scale: scale,
          scaleSource: scaleSource)
      }
    }
  }
}

extension AdapterProblem {
  /// What was taken out of the base's weights, where they tell, and the name of the method.
  fileprivate var baseFactors: (method: String, factors: BaseFactors)? {
    guard case .otherBase(let method, _, _, let factors?) = self else { return nil }
    return (method, factors)
  }
}
