internal import Checkpoints
internal import Elements
internal import Tensors
internal import Text

/// Changes of modules by methods that are read but are no plain LoRA.
extension AdapterReading {
  /// Makes changes of the tensors of every method that is read.
  mutating func readChanges() {
    guard !methods.isEmpty else { return }
    let loras = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let (lengths, columns) = (readLengths(), columnsOfMethods)
    // Lengths are those of a weight that another method changed, or else of the module's LoRA.
    var weights = Set<String>()
    for method in methods {
      guard let reading = method.reading, reading != .magnitude else { continue }
      for module in method.modules {
        do throws(ChangeFault) {
          let lora = loras[module.name]
          let own = lora?.down?.shape.last ?? columns[module.name]
          for change in try module.changes(reading, lora: lora, columns: own) {
            guard change.parameter == .weight, let own = lengths[module.name] else {
              try add(change, of: module, method, lengths: nil, lora: lora)
              continue
            }
            guard lora == nil, weights.insert(module.name).inserted else {
              throw ChangeFault("lengths of a weight that several methods change")
            }
            try add(change, of: module, method, lengths: own, lora: lora)
          }
        } catch { note(error, of: module, method) }
      }
    }
    for method in methods where method.reading == .magnitude {
      for module in method.modules {
        guard !weights.contains(module.name), let own = lengths[module.name] else { continue }
        do throws(ChangeFault) {
          guard let lora = loras[module.name], let down = lora.down, let up = lora.up,
            lora.shapeFault(down: down.shape, up: up.shape) == nil
          else { throw ChangeFault("there is no LoRA of the module that it belongs to") }
          let change = FoundChange(
            parameter: .weight, values: .lowRank(.init(down: down, up: up)),
            scale: lora.scale ?? 1)
          try add(change, of: module, method, lengths: own, lora: lora)
        } catch { note(error, of: module, method) }
      }
    }
    noteChangesGivenTwice()
    noteChangesWithoutLowRankForm()
  }

  /// The lengths of every module that has some.
  private mutating func readLengths() -> [String: TensorView] {
    var lengths: [String: TensorView] = [:]
    for method in methods where method.reading == .magnitude {
      for module in method.modules {
        let found = Array(module.partsOfMethod.values)
        if found.count > 1 || lengths[module.name] != nil {
          note(ChangeFault("several lengths of one module"), of: module, method)
        }
        lengths[module.name] = found.first
      }
    }
    return lengths
  }

  /// Columns of modules' weights, by the modules' names, where another method's tensors tell.
  private var columnsOfMethods: [String: Int] {
    let known = methods.lazy.flatMap(\.modules).compactMap { module in
      module.shapeOfMethod.map { (module.name, $0.columns) }
    }
    return Dictionary(known, uniquingKeysWith: { first, _ in first })
  }

  /// Two names of one parameter would be summed up.
  private mutating func noteChangesGivenTwice() {
    for (component, changes) in changes.sorted(by: { $0.key < $1.key }) {
      noteGivenTwice(changes, of: component)
    }
  }

  private mutating func noteGivenTwice(_ changes: [ParameterChange], of component: String) {
    var names: [String: [String]] = [:]
    let changed =
      changes.map { ($0.parameterName, $0.name) }
      + entries.filter { $0.isPlain && $0.component == component }.flatMap { entry in
        entry.paths.map { ("\($0).weight", entry.name) }
      }
    for (parameter, name) in changed where names[parameter]?.contains(name) != true {
      names[parameter, default: []].append(name)
    }
    for (parameter, all) in names.sorted(by: { $0.key < $1.key }) where all.count > 1 {
      // Plain modules that are given twice were noted when their names were found.
      guard changes.contains(where: { all.contains($0.name) }) else { continue }
      note(.givenTwice(module: parameter, names: all), component: component)
    }
  }

  /// What no LoRA is in another form, method by method.
  private mutating func noteChangesWithoutLowRankForm() {
    for (component, changes) in changes.sorted(by: { $0.key < $1.key }) {
      noteWithoutLowRankForm(changes, of: component)
    }
  }

  private mutating func noteWithoutLowRankForm(
    _ changes: [ParameterChange], of component: String
  ) {
    // Who reads text encoders has the transformer's part as well, but not the other way round.
    func isRead(_ other: String) -> Bool {
      other == component || component != AdapterFile.transformer
    }
    let isOptional =
      entries.contains { $0.isPlain && isRead($0.component) }
      || self.changes.contains { other, changes in
        isRead(other) && changes.contains { $0.hasLowRankForm() }
      }
    let known = AdapterDialects.shared.methods.all.filter { method in
      methods.contains { $0.title == method.title }
    }
    let covering = Set(known.compactMap(\.included))
    // Keys of a method that is part of another one are told with it.
    for method in methods where method.reading != nil && !covering.contains(method.title) {
      let entry = known.first { $0.title == method.title }
      let own = changes.filter { $0.method == method.title && !$0.hasLowRankForm() }
      for reason in WhyNoLoRA.allCases {
        let own = own.filter { change in
          reason == (method.reading == .norms ? .replacesNorms : change.whyNoLoRA)
        }
        guard !own.isEmpty else { continue }
        let isOptional = isOptional && entry?.partial != nil
        let includedCount = methods.first { $0.title == entry?.included }?.keyCount ?? 0
        note(
          .noPlainLoRA(
            facts(
              of: method, own, includedCount: includedCount, isOptional: isOptional,
              advice: [method.advice, reason.whatHelps].compactMap(\.self)),
            reason: reason), component: component)
      }
    }
  }

  /// What there is of a method, as far as some changes are concerned.
  private func facts(
    of method: AdapterFile.Method, _ changes: [ParameterChange], includedCount: Int,
    isOptional: Bool, advice: [String]
  ) -> OtherMethodFacts {
    let names = Set(changes.map(\.name))
    let modules = method.modules.filter { names.contains($0.name) }
    // A module may have differences of its weight and of its bias.
    let isDifference = method.reading == .difference
    let parameters = Set(changes.map { "\($0.name) \($0.parameter.rawValue)" })
    let keys = modules.flatMap { $0.partsOfMethod.values.map(\.name) }.sorted()
    let isBias = changes.allSatisfy { $0.parameter == .bias }
    let biasKeys = keys.filter { $0.utf8HasSuffix(".diff_b") || $0.utf8HasSuffix(".b_norm") }
    let all = advice + (isOptional ? ["--partial leaves it out where no bake is made"] : [])
    return OtherMethodFacts(
      method: method.title,
      keyCount: includedCount + (isDifference ? parameters.count : keys.count),
      example: (isDifference && isBias ? biasKeys.first : keys.first) ?? changes[0].name,
      advice: all.joined(separator: "; or "), isOptional: isOptional,
      loraCount: method.reading == .magnitude ? modules.count : 0)
  }

  private mutating func note(
    _ fault: ChangeFault, of module: AdapterFile.Entry, _ method: AdapterFile.Method
  ) {
    note(
      .wrongChange(name: module.name, method: method.title, detail: fault.detail),
      component: module.component)
  }

  /// Adds a change once for every module that its rows are of. A module that isn't known was noted already where
  /// it has a LoRA.
  private mutating func add(
    _ found: FoundChange, of module: AdapterFile.Entry, _ method: AdapterFile.Method,
    lengths: TensorView?, lora: AdapterFile.Entry?
  ) throws(ChangeFault) {
    for tensor in found.values.tensors + [lengths].compactMap(\.self)
    where !tensor.dtype.isWidenable {
      throw ChangeFault(
        "dtype \(tensor.dtype.rawValue) of '\(tensor.name)', expected "
          + AdapterProblem.readableTypes)
    }
    guard !module.paths.isEmpty, let kind = module.kind else {
      if lora == nil { note(.unknownModule(name: module.name), component: module.component) }
      return
    }
    let shape = found.values.shape
    let isMatrix = found.parameter == .weight && kind != .norm
    let isTable = kind == .embedding && module.component != AdapterFile.transformer
    guard kind != .embedding || isTable else {
      throw ChangeFault("a \(found.parameter.rawValue), which can't be changed in its module")
    }
    guard isMatrix == (shape.columns != nil) else {
      let sizes = [shape.rows] + [shape.columns].compactMap(\.self)
      throw ChangeFault(
        "a \(found.parameter.rawValue) \(sizes), expected \(isMatrix ? "two axes" : "one axis")")
    }
    let columns = shape.columns ?? found.columns
    guard let counts = module.partRows(of: shape.rows, columns: columns) else {
      throw ChangeFault(
        module.paths.count == 1
          ? "\(shape.rows) rows are not the shape of its module"
          : "\(shape.rows) rows can't be those of \(module.paths.count) fused modules")
    }
    let magnitude: TensorView?
    if let lengths { magnitude = try checked(lengths, shape) } else { magnitude = nil }
    var start = 0
    for (path, count) in zip(module.paths, counts) {
      var rows = [start..<start + count]
      if module.meaning?.swapsHalves == true {
        let middle = start + count / 2
        rows = [middle..<start + count, start..<middle]
      }
      changes[module.component, default: []].append(
        ParameterChange(
          path: path, name: module.name, parameter: found.parameter, method: method.title,
          values: found.values, rows: rows, scale: found.scale, scaleSource: module.scaleSource,
          magnitude: magnitude))
      start += count
    }
  }

  /// Lengths in the form `[rows, 1]` or `[1, columns]`.
  ///
  /// **Source:** huggingface/peft, `tuners/lora/dora.py` (one length a row); KohakuBlueleaf/LyCORIS,
  /// `modules/locon.py` (`wd_on_out`: the shape says whether rows or columns have one).
  private func checked(
    _ lengths: TensorView, _ shape: (rows: Int, columns: Int?)
  ) throws(ChangeFault) -> TensorView {
    let found = lengths.shape
    func inShape(_ shape: [Int]) -> TensorView {
      lengths.part(
        name: lengths.name, dtype: lengths.dtype, shape: shape, range: 0..<lengths.byteCount)
    }
    if found == [shape.rows] || found == [shape.rows, 1] { return inShape([shape.rows, 1]) }
    if let columns = shape.columns, found == [1, columns] { return lengths }
    throw ChangeFault(
      "lengths \(found), expected [\(shape.rows)], [\(shape.rows), 1] or [1, \(shape.columns ?? 0)]"
    )
  }
}

/// A change as the file has it, before it is divided among fused modules.
struct FoundChange {
  let parameter: ParameterChange.Parameter
  let values: ChangedValues
  var scale = 1.0
  /// Columns of the module's weight, where the values have none themselves.
  var columns: Int?
}

/// What is wrong with the tensors of a change, in words.
struct ChangeFault: Error {
  let detail: String

  init(_ detail: String) { self.detail = detail }
}

extension AdapterMethod.Reading {
  /// Whether alpha and rank give a scale to its changes.
  var hasOwnScale: Bool { self == .kronecker || self == .hadamard }
}
