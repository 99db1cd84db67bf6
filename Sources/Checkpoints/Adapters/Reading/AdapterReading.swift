internal import Checkpoints
internal import Elements
internal import SystemPackage
internal import Tensors
internal import Text

/// The steps of reading an adapter file, each adding to what is known and to the problems.
struct AdapterReading {
  let path: FilePath
  let metadata: Metadata
  /// The modules of all components that are plain LoRA.
  var entries: [AdapterFile.Entry] = []
  /// What is changed in other ways.
  var methods: [AdapterFile.Method] = []
  /// What those that are read do, by component.
  var changes: [String: [ParameterChange]] = [:]
  var families: [ModelFamily] = []
  /// The model that the adapter is for, when it is one that isn't read.
  var otherModel: String?
  /// What the metadata say of the model and isn't true.
  var untrue: [StatedModel] = []
  /// What the file, or what lies beside it, says of each component.
  var statements: [String: [ScaleStatement]] = [:]
  /// What `lora_adapter_metadata` says of the transformer.
  var description: AdapterHeader?
  /// Tensors of text encoders that are no factor and no alpha count here too.
  private(set) var textEncoderTensors: [TensorView] = []
  /// What is wrong with the transformer's part, or with the file.
  private(set) var problems: [AdapterProblem] = []
  /// What is wrong with the text encoders' parts.
  private(set) var textEncoderProblems: [AdapterProblem] = []
  private var positions: [String: Int] = [:]

  /// The modules of all components, once for each way in which they are changed.
  var modules: [AdapterFile.Entry] { entries + methods.flatMap(\.modules) }

  /// The document under ``AdapterHeader/metadataKey``, where there is one.
  let document: AdapterHeader.Document?

  init(path: FilePath, metadata: Metadata) {
    self.path = path
    self.metadata = metadata
    document = metadata[AdapterHeader.metadataKey].map(AdapterHeader.Document.init)
  }

  /// Adds a problem to those of its component.
  ///
  /// One that was noted just now is not noted again: of a module's weight and its bias the same may be wrong.
  mutating func note(_ problem: AdapterProblem, component: String = AdapterFile.transformer) {
    if component == AdapterFile.transformer {
      if problems.last != problem { problems.append(problem) }
    } else if textEncoderProblems.last != problem {
      textEncoderProblems.append(problem)
    }
  }

  // MARK: Keys

  /// Sorts the tensors into modules by their keys.
  mutating func collect(_ tensors: [TensorView]) {
    var found = MethodKeys()
    // Two factors a module, mostly.
    positions.reserveCapacity(tensors.count / 2)
    entries.reserveCapacity(tensors.count / 2)
    for tensor in tensors {
      let key = AdapterKey.of(tensor.name)
      if case .method(let method, let stem) = key {
        found.add(tensor, method, stem: stem)
        if method.reading != nil {
          noteTextEncoder(tensor, of: AdapterDialects.shared.split(stem: stem).prefix.component)
        }
      } else {
        collect(tensor, key: key)
      }
    }
    collect(found)
    if !textEncoderTensors.isEmpty {
      note(.textEncoderKeys(count: textEncoderTensors.count))
    }
    let all = modules
    let hasUnread = methods.contains { $0.reading == nil }
    if !hasUnread, !all.contains(where: { $0.component == AdapterFile.transformer }) {
      let count = Set(all.map(\.name)).count
      note(count == 0 ? .empty : .onlyTextEncoders(moduleCount: count))
    }
  }

  /// Keeps what was found of other methods, for a description of the file.
  private mutating func collect(_ found: MethodKeys) {
    let changed = Set(
      found.methods.filter { $0.method.replacesLoRA }.flatMap { $0.modules.map(\.name) })
    // The alpha of a module that is adapted in another way belongs to that way.
    var alphas: [String: TensorView] = [:]
    if found.hasMethods {
      for entry in entries where entry.down == nil && entry.up == nil {
        alphas[entry.name] = entry.alpha
      }
      entries.removeAll { $0.down == nil && $0.up == nil }
    }
    for position in entries.indices {
      entries[position].isPlain = !changed.contains(entries[position].name)
    }
    // Those of text encoders are what is left where there is nothing else.
    let isAlone = !entries.contains { $0.isPlain && $0.component == AdapterFile.transformer }
    let plain = entries.filter {
      $0.isPlain && (isAlone || $0.component == AdapterFile.transformer)
    }
    let adapted = Set(entries.filter { !$0.isPlain }.map(\.name))
    let problems = found.problems(plainCount: plain.count) { found in
      found.method.partial == .modules ? found.modules.count { adapted.contains($0.name) } : 0
    }
    for problem in problems { note(problem) }
    methods = found.methods.map { AdapterFile.Method($0) }
    for method in methods.indices {
      for position in methods[method].modules.indices {
        let name = methods[method].modules[position].name
        methods[method].modules[position].alpha = alphas[name]
      }
    }
  }

  private mutating func collect(_ tensor: TensorView, key: AdapterKey) {
    switch key {
    case .factor(let stem, let factor, let suffix):
      let position = entry(of: stem, suffix: suffix)
      noteTextEncoder(tensor, of: entries[position].component)
      let isTaken =
        factor == .down ? entries[position].down != nil : entries[position].up != nil
      if isTaken {
        note(
          .givenTwice(module: stem, names: [tensor.name]), component: entries[position].component)
      } else if factor == .down {
        entries[position].down = tensor.withoutTrailingOnes
      } else {
        entries[position].up = tensor.withoutTrailingOnes
      }
    case .alpha(let stem):
      let position = entry(of: stem, suffix: nil)
      noteTextEncoder(tensor, of: entries[position].component)
      entries[position].alpha = tensor
    case .unknown:
      let component = AdapterDialects.shared.split(stem: tensor.name).prefix.component
      noteTextEncoder(tensor, of: component)
      note(.unknownKey(key: tensor.name), component: component)
    case .method: break
    }
  }

  private mutating func noteTextEncoder(_ tensor: TensorView, of component: String) {
    if component != AdapterFile.transformer { textEncoderTensors.append(tensor) }
  }

  /// The entry of a module, new when it isn't there. One that began with its alpha takes the
  /// endings of its first factor.
  private mutating func entry(of stem: String, suffix: String?) -> Int {
    let position: Int
    // What belongs to one module mostly stands together.
    if entries.last?.name.sameBytes(as: stem) == true {
      position = entries.count - 1
    } else if let known = positions[stem], entries[known].name.sameBytes(as: stem) {
      position = known
    } else {
      position = entries.count
      positions[stem] = position
      entries.append(AdapterFile.Entry(name: stem))
    }
    if let suffix, entries[position].suffix.isEmpty { entries[position].suffix = suffix }
    return position
  }

  // MARK: Factors

  /// Checks that every module has both factors, of a readable type and shapes that agree.
  mutating func checkFactors() {
    for entry in entries {
      guard let down = entry.down, let up = entry.up else {
        let isDownMissing = entry.down == nil
        note(
          .missingFactor(
            name: entry.name,
            missing: isDownMissing && entry.up == nil
              ? "factors, only an alpha" : isDownMissing ? "down factor (A)" : "up factor (B)"),
          component: entry.component)
        continue
      }
      for factor in [down, up] where !factor.dtype.isWidenable {
        note(
          .wrongType(key: factor.name, found: factor.dtype.rawValue), component: entry.component)
      }
      if let detail = entry.shapeFault(down: down.shape, up: up.shape) {
        note(
          .wrongShape(name: entry.name, down: down.shape, up: up.shape, detail: detail),
          component: entry.component)
      }
    }
  }

  /// How many entries each dialect has, the most frequent first.
  static func dialectCounts(of entries: [AdapterFile.Entry]) -> [(
    name: String, title: String, entryCount: Int
  )] {
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

  /// Notes what wrappers left in names.
  mutating func noteWrappers() {
    let all = AdapterFile.modules(entries, methods)
    var counts: [(wrapper: String, moduleCount: Int)] = []
    for wrapper in all.flatMap(\.wrappers) {
      if let known = counts.firstIndex(where: { $0.wrapper == wrapper }) {
        counts[known].moduleCount += 1
      } else {
        counts.append((wrapper, 1))
      }
    }
    for (wrapper, count) in counts {
      note(.wrapper(name: wrapper, moduleCount: count, of: all.count))
    }
  }

  /// Notes when diffusers would leave modules out.
  mutating func noteMixedDialects() {
    let own = entries.filter { $0.component == AdapterFile.transformer }
    guard let applied = FirstKeyRule.appliedCount(own), applied < own.count else { return }
    note(.mixedDialects(applied: applied, of: own.count))
  }
}
