internal import Checkpoints

extension AdapterReading {
  /// Finds the modules that the entries stand for, and the family that has them all.
  mutating func resolveNames() {
    let transformer = entries.indices.filter { entries[$0].component == AdapterFile.transformer }
    let meanings = transformer.map { ModuleNames.shared.meanings(of: entries[$0].fileName.path) }
    let others = methods.map { method in
      method.modules.map { ModuleNames.shared.meanings(of: $0.fileName.path) }
    }
    families = Self.families(of: meanings + others.flatMap(\.self), metadata: metadata)
    resolveTextEncoders()
    resolveMethods(others)
    for (position, meanings) in zip(transformer, meanings) {
      let meaning = choice(of: meanings)
      entries[position].take(meaning)
      if meaning == nil {
        note(.unknownModule(name: entries[position].name))
      } else if let meaning, meaning.family.modules[meaning.modules[0]].kind != .linear {
        note(.notLinear(name: entries[position].name))
      }
    }
    noteModulesGivenTwice()
  }

  /// The meaning in the family, or in the first of several.
  private func choice(of meanings: [ModuleNames.Meaning]) -> ModuleNames.Meaning? {
    meanings.first { meaning in families.contains { $0.name == meaning.family.name } }
  }

  /// Finds what is changed in other ways, for a description of the file.
  private mutating func resolveMethods(_ meanings: [[[ModuleNames.Meaning]]]) {
    for (method, meanings) in zip(methods.indices, meanings) {
      for (module, meanings) in zip(methods[method].modules.indices, meanings)
      where methods[method].modules[module].component == AdapterFile.transformer {
        methods[method].modules[module].take(choice(of: meanings))
      }
    }
  }

  /// The families that have most of the modules. Where several have as many, the metadata may say
  /// which, or a block number that is beyond a family's largest model.
  private static func families(
    of meanings: [[ModuleNames.Meaning]], metadata: [(key: String, value: String)]
  ) -> [ModelFamily] {
    let counts = ModelFamily.all.map { family in
      meanings.count { $0.contains { $0.family.name == family.name } }
    }
    guard let most = counts.max(), most > 0 else { return [] }
    let candidates = zip(ModelFamily.all, counts).filter { $0.1 == most }.map(\.0)
    guard candidates.count > 1 else { return candidates }
    let named = candidates.filter { family in
      metadata.contains { key, value in
        (key == "glance.family" && value == family.name)
          || (key == "modelspec.architecture" && value.utf8HasPrefix(family.architectureName))
      }
    }
    if named.count == 1 { return named }
    let largeEnough = candidates.filter { family in
      meanings.allSatisfy { $0.first { $0.family.name == family.name }?.isInLargestModel ?? true }
    }
    return largeEnough.isEmpty ? candidates : largeEnough
  }

  /// Finds the modules of text encoders. They tell the family where the transformer's don't.
  private mutating func resolveTextEncoders() {
    let positions = entries.indices.filter { entries[$0].component != AdapterFile.transformer }
    let meanings = positions.map { position in
      TextEncoderNames.shared.meaning(
        of: entries[position].fileName.path, component: entries[position].component)
    }
    let known = Set(meanings.compactMap { $0?.family })
    if families.count != 1 {
      let candidates = families.isEmpty ? ModelFamily.all : families
      let ofEncoders = candidates.filter { known.contains($0.name) }
      if ofEncoders.count == 1 { families = ofEncoders }
    }
    for (position, meaning) in zip(positions, meanings) {
      entries[position].setDialect(names: "diffusers")
      if let meaning, families.contains(where: { $0.name == meaning.family }) {
        entries[position].paths = [meaning.path]
      } else {
        note(
          .unknownModule(name: entries[position].name), component: entries[position].component)
      }
    }
  }

  private mutating func noteModulesGivenTwice() {
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

extension AdapterFile.Entry {
  /// Its name taken apart: what stands before the path, and the path as the file has it.
  var fileName: (prefix: AdapterDialects.Prefix, path: String) {
    AdapterDialects.shared.split(stem: name)
  }

  fileprivate mutating func take(_ meaning: ModuleNames.Meaning?) {
    self.meaning = meaning
    paths = meaning?.paths ?? []
    setDialect(names: meaning?.names)
  }

  fileprivate mutating func setDialect(names: String?) {
    let found = AdapterDialects.shared.dialect(
      prefix: fileName.prefix.text, suffix: suffix, names: names)
    dialect = found?.name ?? "unknown"
  }
}
