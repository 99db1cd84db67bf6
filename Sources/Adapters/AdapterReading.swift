internal import Checkpoints
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// The steps of reading an adapter file, each adding to what is known and to the problems.
struct AdapterReading {
  let path: FilePath
  let metadata: [(key: String, value: String)]
  private(set) var entries: [AdapterFile.Entry] = []
  private(set) var families: [ModelFamily] = []
  private(set) var textEncoderTensors: [TensorView] = []
  private(set) var problems: [AdapterProblem] = []
  private(set) var header: AdapterHeader?
  private var positions: [String: Int] = [:]

  init(path: FilePath, metadata: [(key: String, value: String)]) {
    self.path = path
    self.metadata = metadata
  }

  /// Sorts the tensors into modules by their keys.
  mutating func collect(_ tensors: [TensorView]) {
    var refused: [(method: String, count: Int, example: String)] = []
    for tensor in tensors {
      let key = AdapterKey(tensor.name)
      if case .refused(let method) = key {
        if let known = refused.firstIndex(where: { $0.method == method }) {
          refused[known].count += 1
        } else {
          refused.append((method, 1, tensor.name))
        }
        continue
      }
      collect(tensor, key: key)
    }
    for (method, count, example) in refused {
      problems.append(.otherMethod(method: method, keyCount: count, example: example))
    }
    // The alpha of a module that is adapted in another way belongs to that way.
    if !refused.isEmpty { entries.removeAll { $0.down == nil && $0.up == nil } }
    if !textEncoderTensors.isEmpty {
      problems.append(.textEncoderKeys(count: textEncoderTensors.count))
    }
    if entries.isEmpty && refused.isEmpty { problems.append(.empty) }
  }

  private mutating func collect(_ tensor: TensorView, key: AdapterKey) {
    switch key {
    case .factor(let stem, let factor, let suffix):
      guard isTransformer(tensor, stem: stem) else { return }
      let position = entry(of: stem, suffix: suffix)
      let isTaken =
        factor == .down ? entries[position].down != nil : entries[position].up != nil
      if isTaken {
        problems.append(.givenTwice(module: stem, names: [tensor.name]))
      } else if factor == .down {
        entries[position].down = tensor
      } else {
        entries[position].up = tensor
      }
    case .alpha(let stem):
      guard isTransformer(tensor, stem: stem) else { return }
      entries[entry(of: stem, suffix: nil)].alpha = tensor
    case .unknown: problems.append(.unknownKey(key: tensor.name))
    case .refused: break
    }
  }

  private mutating func isTransformer(_ tensor: TensorView, stem: String) -> Bool {
    let (prefix, _) = AdapterDialects.shared.split(stem: stem)
    if prefix.component == "transformer" { return true }
    textEncoderTensors.append(tensor)
    return false
  }

  /// The entry of a module, new when it isn't there. One that began with its alpha takes the
  /// endings of its first factor.
  private mutating func entry(of stem: String, suffix: String?) -> Int {
    let position: Int
    if let known = positions[stem], entries[known].name.utf8.elementsEqual(stem.utf8) {
      position = known
    } else {
      position = entries.count
      positions[stem] = position
      entries.append(AdapterFile.Entry(name: stem))
    }
    if let suffix, entries[position].suffix.isEmpty { entries[position].suffix = suffix }
    return position
  }

  // MARK: Names

  /// Finds the modules that the entries stand for, and the family that has them all.
  mutating func resolveNames() {
    let meanings = entries.map { entry in
      ModuleNames.shared.meanings(of: AdapterDialects.shared.split(stem: entry.name).path)
    }
    families = Self.families(of: meanings, metadata: metadata)
    for position in entries.indices {
      let ofFamily = meanings[position].filter { meaning in
        families.contains { $0.name == meaning.family.name }
      }
      let meaning = ofFamily.first
      entries[position].meaning = meaning
      entries[position].paths = meaning?.paths ?? []
      let dialect = AdapterDialects.shared.dialect(
        prefix: AdapterDialects.shared.split(stem: entries[position].name).prefix.text,
        suffix: entries[position].suffix, names: meaning?.names)
      entries[position].dialect = dialect?.name ?? "unknown"
      if meaning == nil {
        problems.append(.unknownModule(name: entries[position].name))
      } else if let meaning, meaning.family.modules[meaning.modules[0]].kind != .linear {
        problems.append(.notLinear(name: entries[position].name))
      }
    }
    noteModulesGivenTwice()
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

  private mutating func noteModulesGivenTwice() {
    var names: [String: [String]] = [:]
    var order: [String] = []
    for entry in entries {
      for path in entry.paths {
        if names[path] == nil { order.append(path) }
        names[path, default: []].append(entry.name)
      }
    }
    for path in order {
      if let all = names[path], all.count > 1 {
        problems.append(.givenTwice(module: path, names: all))
      }
    }
  }

  // MARK: Scales

  /// Finds every module's scale: its alpha tensor, else the header, else alpha = rank.
  mutating func readScales() {
    readHeader()
    var assumed = 0
    var scalesOnlyInHeader = Set<Double>()
    for position in entries.indices {
      guard let rank = entries[position].rank, rank > 0 else { continue }
      let inHeader = header.flatMap { header in
        entries[position].paths.first.map { header.scale(of: $0, rank: rank) }
      }
      if let alpha = entries[position].alpha {
        readAlpha(alpha, position: position, rank: rank, inHeader: inHeader)
      } else if let header, let inHeader, let module = entries[position].paths.first {
        if let declared = header.rank(of: module), declared != rank {
          problems.append(
            .contradiction(
              name: entries[position].name,
              detail: "rank \(rank) in the tensors, \(declared) in lora_adapter_metadata"))
        }
        entries[position].scale = inHeader
        entries[position].scaleSource = .header
        if inHeader != 1 { scalesOnlyInHeader.insert(inHeader) }
      } else {
        entries[position].scale = 1
        entries[position].scaleSource = .assumed
        assumed += 1
      }
    }
    if assumed > 0 { problems.append(.alphaAssumed(moduleCount: assumed)) }
    for scale in scalesOnlyInHeader.sorted() { problems.append(.scaleOnlyInHeader(scale: scale)) }
  }

  private mutating func readAlpha(
    _ alpha: TensorView, position: Int, rank: Int, inHeader: Double?
  ) {
    let name = entries[position].name
    entries[position].scaleSource = .alphaTensor
    guard let value = alpha.scalar, value.isFinite else {
      let found =
        alpha.elementCount == 1
        ? alpha.scalar.map { "\($0)" } ?? alpha.dtype.rawValue
        : "\(alpha.elementCount) values"
      problems.append(.badAlpha(name: name, found: found))
      return
    }
    if value <= 0 { problems.append(.uselessAlpha(name: name, alpha: value)) }
    let scale = value / Double(rank)
    entries[position].scale = scale
    if let inHeader, abs(inHeader - scale) > 1e-6 * max(abs(scale), abs(inHeader)) {
      problems.append(
        .contradiction(
          name: name,
          detail: "scale \(scale) from its alpha, \(inHeader) from lora_adapter_metadata"))
    }
  }

  private mutating func readHeader() {
    guard let text = metadata.first(where: { $0.key == AdapterHeader.metadataKey })?.value else {
      return
    }
    do throws(AdapterHeader.Malformed) {
      header = try AdapterHeader(parsing: text, prefix: "transformer.")
    } catch { problems.append(.badHeader(detail: error.detail)) }
    if header?.usesDoRA == true {
      problems.append(
        .otherMethod(method: "DoRA", keyCount: 1, example: AdapterHeader.metadataKey))
    }
  }

  // MARK: Factors

  /// Checks that every module has both factors, of a readable type and shapes that agree.
  mutating func checkFactors() {
    for entry in entries {
      guard let down = entry.down, let up = entry.up else {
        let isDownMissing = entry.down == nil
        problems.append(
          .missingFactor(
            name: entry.name,
            missing: isDownMissing && entry.up == nil
              ? "factors, only an alpha" : isDownMissing ? "down factor (A)" : "up factor (B)"))
        continue
      }
      for factor in [down, up] where !factor.dtype.isWidenable {
        problems.append(.wrongType(key: factor.name, found: factor.dtype.rawValue))
      }
      if let detail = entry.shapeFault(down: down.shape, up: up.shape) {
        problems.append(
          .wrongShape(name: entry.name, down: down.shape, up: up.shape, detail: detail))
      }
    }
  }

  /// How many entries each dialect has, the most frequent first.
  func dialectCounts() -> [(name: String, title: String, entryCount: Int)] {
    var counts: [(name: String, title: String, entryCount: Int)] = []
    for entry in entries {
      if let known = counts.firstIndex(where: { $0.name == entry.dialect }) {
        counts[known].entryCount += 1
      } else {
        let title = AdapterDialects.shared.dialects.first { $0.name == entry.dialect }?.title
        counts.append((entry.dialect, title ?? entry.dialect, 1))
      }
    }
    return counts.enumerated()
      .sorted { ($1.element.entryCount, $0.offset) < ($0.element.entryCount, $1.offset) }
      .map(\.element)
  }

  /// Notes when diffusers would leave modules out.
  mutating func noteMixedDialects() {
    guard let applied = FirstKeyRule.appliedCount(entries), applied < entries.count else { return }
    problems.append(.mixedDialects(applied: applied, of: entries.count))
  }
}
