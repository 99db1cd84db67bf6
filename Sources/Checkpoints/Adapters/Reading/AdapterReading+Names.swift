internal import Checkpoints

extension AdapterReading {
  /// Finds the modules that the entries stand for, and the family that has them all.
  ///
  /// - Parameters:
  ///   - asked: the family that the caller says it is for.
  ///   - configuration: what lies beside the file.
  mutating func resolveNames(asked: ModelFamily?, configuration: AdapterConfiguration) {
    let transformer = entries.indices.filter { entries[$0].component == AdapterFile.transformer }
    let modules = transformer.map { FamilyChoice.Module(entries[$0]) }
    let others = methods.flatMap(\.modules).filter { $0.component == AdapterFile.transformer }
      .map { FamilyChoice.Module($0) }
    let statements = StatedModel.all(
      in: metadata, document: document, configuration: configuration.described)
    var choice = FamilyChoice(modules + others, statements, asked: asked)
    families = choice.families
    otherModel = choice.otherModel
    untrue = choice.untrue
    let isStated = statements.contains { $0.model.family != nil }
    resolveTextEncoders(mayBeOthers: asked == nil && !isStated)
    choice.families = families
    choice.checkAmbiguity(modules + others)
    for problem in choice.problems { note(problem) }
    resolveMethods()
    for (position, module) in zip(transformer, modules) {
      let meaning = self.meaning(of: module)
      entries[position].take(meaning, of: otherModel)
      if meaning == nil {
        if otherModel == nil { note(.unknownModule(name: entries[position].name)) }
      } else if let meaning, meaning.templates[0].kind != .linear {
        note(.notLinear(name: entries[position].name))
      }
    }
    noteModulesGivenTwice()
  }

  /// The meaning in the family, or in the first of several.
  private func meaning(of module: FamilyChoice.Module) -> ModuleNames.Meaning? {
    families.lazy.compactMap { module.meaning(in: $0) }.first
  }

  /// Finds what is changed in other ways, for a description of the file.
  private mutating func resolveMethods() {
    for method in methods.indices {
      for position in methods[method].modules.indices {
        let entry = methods[method].modules[position]
        guard entry.component == AdapterFile.transformer else {
          methods[method].modules[position].takeTextEncoders(of: families)
          continue
        }
        let module = FamilyChoice.Module(entry)
        methods[method].modules[position].take(meaning(of: module), of: otherModel)
      }
    }
  }

  /// Finds the modules of text encoders. They tell the family where the transformer's don't.
  ///
  /// - Parameter mayBeOthers: whether nobody says that they are a family's that is read.
  private mutating func resolveTextEncoders(mayBeOthers: Bool) {
    let modules = modules
    let all = modules.filter { $0.component != AdapterFile.transformer }
    if all.count == modules.count, mayBeOthers, otherModel == nil,
      let other = AdaptedModels.shared.model(ofTextEncoders: all)
    {
      otherModel = other.title
      families = []
      note(
        .otherModel(
          title: other.title, evidence: ["names and shapes such as '\(other.name)'"]))
    }
    let known = Set(all.compactMap { $0.meaningInTextEncoder?.family })
    if families.count != 1, otherModel == nil {
      let candidates = families.isEmpty ? ModelFamily.all : families
      let ofEncoders = candidates.filter { known.contains($0.name) }
      if ofEncoders.count == 1 { families = ofEncoders }
    }
    for position in entries.indices where entries[position].component != AdapterFile.transformer {
      entries[position].takeTextEncoders(of: families)
      let entry = entries[position]
      if entry.kind == .norm { note(.notLinear(name: entry.name), component: entry.component) }
      if entry.paths.isEmpty, otherModel == nil {
        note(.unknownModule(name: entry.name), component: entry.component)
      }
    }
  }

  private mutating func noteModulesGivenTwice() {
    if Self.areDistinct(entries) { return }
    var names: [String: [String]] = [:]
    var order: [(component: String, path: String)] = []
    for entry in entries {
      for path in entry.paths {
        let key = entry.component + "/" + path
        if names[key] == nil { order.append((entry.component, path)) }
        names[key, default: []].append(entry.name)
      }
    }
    for (component, path) in order {
      if let all = names[component + "/" + path], all.count > 1 {
        note(.givenTwice(module: path, names: all), component: component)
      }
    }
  }
}

extension AdapterReading {
  /// Whether no module of a component is there twice.
  private static func areDistinct(_ entries: [AdapterFile.Entry]) -> Bool {
    var known = Set<String>(minimumCapacity: entries.count)
    return entries.allSatisfy { entry in
      let isTransformers = entry.component == AdapterFile.transformer
      return entry.paths.allSatisfy { path in
        known.insert(isTransformers ? path : entry.component + "/" + path).inserted
      }
    }
  }
}

extension AdapterFile.Entry {
  fileprivate mutating func take(_ meaning: ModuleNames.Meaning?, of otherModel: String?) {
    self.meaning = meaning
    kind = meaning?.templates[0].kind
    paths = meaning?.paths ?? []
    // Names of another model are its own in every dialect that puts something before them.
    let isPrefixed = !fileName.prefix.text.isEmpty
    setDialect(names: otherModel != nil && isPrefixed ? "diffusers" : meaning?.names)
  }

  /// What its name means as part of a text encoder.
  var meaningInTextEncoder: TextEncoderNames.Meaning? {
    TextEncoderNames.shared.meaning(of: fileName.path, component: component)
  }

  /// Takes the path that it has in a text encoder of one of these families' pipelines.
  fileprivate mutating func takeTextEncoders(of families: [ModelFamily]) {
    let found = meaningInTextEncoder
    if let found, families.contains(where: { $0.name == found.family }) {
      (paths, kind) = ([found.path], found.kind)
    }
    setDialect(names: "diffusers")
  }

  fileprivate mutating func setDialect(names: String?) {
    let found = AdapterDialects.shared.dialect(
      prefix: fileName.prefix.text, suffix: suffix, names: names)
    dialect = found?.name ?? "unknown"
  }
}
