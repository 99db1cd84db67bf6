internal import Checkpoints
internal import Elements
internal import Tensors
internal import Text

/// Changes of modules by methods that are read but are no plain LoRA.
extension AdapterReading {
  /// Makes changes of the tensors of every method that is read.
  mutating func readChanges() {
    let loras = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    // Lengths are those of a weight that another method changed, or else the LoRA of the module.
    var matrices = Set<String>()
    var magnitudes: [String: TensorView] = [:]
    for method in methods where method.reading == .magnitude {
      for module in method.modules {
        magnitudes[module.name] = module.partsOfMethod.values.first
      }
    }
    for method in methods {
      guard let reading = method.reading, reading != .magnitude else { continue }
      for module in method.modules where isOfTransformer(module, method) {
        do throws(ChangeFault) {
          for found in try module.changes(reading, lora: loras[module.name]) {
            if found.parameter == .weight {
              guard magnitudes[module.name] == nil || loras[module.name] == nil else {
                throw ChangeFault("lengths, a LoRA and another change of one weight")
              }
              matrices.insert(module.name)
            }
            try add(found, of: module, method, magnitude: magnitudes[module.name])
          }
        } catch { note(error, of: module, method) }
      }
    }
    for method in methods where method.reading == .magnitude {
      for module in method.modules where isOfTransformer(module, method) {
        guard !matrices.contains(module.name) else { continue }
        do throws(ChangeFault) {
          guard let lora = loras[module.name], let down = lora.down, let up = lora.up,
            lora.shapeFault(down: down.shape, up: up.shape) == nil
          else { throw ChangeFault("there is no LoRA of the module that it belongs to") }
          let found = FoundChange(
            parameter: .weight, values: .lowRank(.init(down: down, up: up)),
            scale: lora.scale ?? 1)
          try add(found, of: module, method, magnitude: magnitudes[module.name])
        } catch { note(error, of: module, method) }
      }
    }
    forgetMethodsWithLowRankForm()
  }

  /// A method whose changes are all plain LoRAs in another form is nothing that anybody need know.
  private mutating func forgetMethodsWithLowRankForm() {
    let taken = methods.filter { $0.isLowRank(changes) }.map(\.title)
    problems.removeAll { problem in
      if case .otherMethod(let method, _, _, _, _, _, _) = problem {
        taken.contains(method)
      } else {
        false
      }
    }
  }

  private mutating func note(
    _ fault: ChangeFault, of module: AdapterFile.Entry, _ method: AdapterFile.Method
  ) {
    note(.wrongChange(name: module.name, method: method.title, detail: fault.detail))
  }

  /// Text encoders are changed by plain LoRAs only.
  private mutating func isOfTransformer(
    _ module: AdapterFile.Entry, _ method: AdapterFile.Method
  ) -> Bool {
    let isOwn = module.component == AdapterFile.transformer
    if !isOwn {
      let fault = ChangeFault("of text encoders only plain LoRAs are read")
      note(fault, of: module, method)
    }
    return isOwn
  }

  /// Adds a change once for every module that its rows are of.
  private mutating func add(
    _ found: FoundChange, of module: AdapterFile.Entry, _ method: AdapterFile.Method,
    magnitude: TensorView?
  ) throws(ChangeFault) {
    for tensor in found.values.tensors where !tensor.dtype.isWidenable {
      throw ChangeFault(
        "dtype \(tensor.dtype.rawValue) of '\(tensor.name)', expected F32, F16, BF16, F8_E4M3 or "
          + "F8_E5M2")
    }
    guard let meaning = module.meaning else {
      note(.unknownModule(name: module.name))
      return
    }
    let kind = meaning.family.modules[meaning.modules[0]].kind
    let shape = found.values.shape
    let isMatrix = found.parameter == .weight && kind == .linear
    guard isMatrix == (shape.columns != nil), isMatrix || kind == .linear || kind == .norm else {
      throw ChangeFault(
        "a \(found.parameter.rawValue) with \(shape.columns == nil ? "one axis" : "two axes"), which "
          + "its module has not")
    }
    let columns = shape.columns ?? found.columns
    guard let counts = module.partRows(of: shape.rows, columns: columns) else {
      throw ChangeFault(
        meaning.modules.count == 1
          ? "\(shape.rows) rows are not the shape of its module"
          : "\(shape.rows) rows can't be those of \(meaning.modules.count) fused modules")
    }
    var lengths: TensorView?
    if isMatrix, let magnitude { lengths = try checked(magnitude, shape) }
    var start = 0
    for (path, count) in zip(module.paths, counts) {
      var rows = [start..<start + count]
      if meaning.swapsHalves {
        let middle = start + count / 2
        rows = [middle..<start + count, start..<middle]
      }
      changes.append(
        ParameterChange(
          path: path, name: module.name, parameter: found.parameter, method: method.title,
          values: found.values, rows: rows, scale: found.scale, scaleSource: module.scaleSource,
          magnitude: lengths))
      start += count
    }
  }

  /// Lengths in the form `[rows, 1]` or `[1, columns]`.
  ///
  /// **Source:** huggingface/peft, `tuners/lora/dora.py` (one length a row); KohakuBlueleaf/LyCORIS,
  /// `modules/locon.py` (`wd_on_out`: the shape says whether rows or columns have one).
  private func checked(
    _ magnitude: TensorView, _ shape: (rows: Int, columns: Int?)
  ) throws(ChangeFault) -> TensorView {
    let found = magnitude.shape
    func inShape(_ shape: [Int]) -> TensorView {
      magnitude.part(
        name: magnitude.name, dtype: magnitude.dtype, shape: shape,
        range: 0..<magnitude.byteCount)
    }
    if found == [shape.rows] || found == [shape.rows, 1] { return inShape([shape.rows, 1]) }
    if let columns = shape.columns, found == [1, columns] { return magnitude }
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
