public import Checkpoints
internal import Containers
internal import Elements
internal import Text

/// Conversions that keep an error within a limit, which `error=3%` among the rules of an encoding sets.
extension RewritingRequest {
  /// The request with as few layers raised to finer forms as keep the limit: the root mean square of all
  /// differences, relative to that of the numbers, over every matrix that the rules give codes to.
  ///
  /// Every layer is coded as the rules say, and as finer forms would have it (`nvfp4`, `mxfp8`, 16 bits, of which the
  /// last counts as exact), and the errors are measured. Then layers are raised by one form at a time, first
  /// the one whose squared error falls most for the bits that it takes. Reads everything; writes nothing.
  ///
  /// - Parameters:
  ///   - input: what is read, where it is open already.
  ///   - progress: called with bytes that were coded, from any thread; may throw to stop.
  /// - Returns: the request itself where it has no limit.
  /// - Throws: what planning and reading throw.
  public func withinErrorLimit(
    input: OpenedCheckpoint? = nil, progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> RewritingRequest {
    guard let text = form.encoding, let limit = try EncodingRules(parsing: text).errorLimit else {
      return self
    }
    var request = self
    request.form.raised = []
    var layers = try request.coarseLayers(input, progress).map { RaisableLayer($0) }
    let first = layers.indices.filter { layers[$0].finer != nil }
    request.form.raised = first.map {
      RaisedLayer(layer: layers[$0].name, form: layers[$0].finer ?? "")
    }
    let finer = Dictionary(
      try request.coarseLayers(input, progress, only: Set(first.map { layers[$0].name }))
        .map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    for index in layers.indices { layers[index].addSteps(finer[layers[index].name]) }
    layers.raise(within: limit)
    request.form.raised = layers.compactMap(\.raised)
    request.form.raisedError = layers.relativeError
    return request
  }

  /// A tensor that is stored in few bits, and its error.
  fileprivate struct CoarseLayer {
    let name: String
    let tensor: PlannedTensor
    let error: StoringError
  }

  /// Codes every tensor that is stored in few bits, or those of some layers, and measures.
  private func coarseLayers(
    _ input: OpenedCheckpoint?, _ progress: @escaping @Sendable (Int) throws -> Void,
    only names: Set<String>? = nil
  ) throws -> [CoarseLayer] {
    let plan = try input.map { try RewritingPlan(self, input: $0) } ?? RewritingPlan(self)
    let coarse = plan.tensors.filter { tensor in
      guard let encoding = tensor.encoding, encoding.isCoarse else { return false }
      return names?.contains(tensor.layerName) ?? true
    }
    let maker = PlainTensorMaker(coarse)
    _ = try maker.write(to: .nowhere, progress: progress)
    return zip(coarse, maker.errors.tensors).map { tensor, error in
      CoarseLayer(name: tensor.layerName, tensor: tensor, error: error ?? StoringError())
    }
  }
}

/// A layer and the forms that it may get.
private struct RaisableLayer {
  let name: String
  /// The form between the one that the rules say and 16 bits; nil for none.
  let finer: String?
  private let elementCount: Double
  let squares: Double
  /// From the form that the rules say to 16 bits.
  private var steps: [Step]
  private var step = 0

  private struct Step {
    let form: String
    let error: Double
    let bits: Double
  }

  init(_ layer: RewritingRequest.CoarseLayer) {
    name = layer.name
    elementCount = Double(layer.tensor.elementCount)
    squares = layer.error.squares
    let form = Self.form(of: layer.tensor)
    steps = [Step(form: form.name, error: layer.error.differenceSquares, bits: form.bits)]
    let next = WrittenForm.all.first { $0.quantizer == .mxfp8 }
    finer =
      form.name == Quantizer.nvfp4.rawValue && next?.fits(layer.tensor.shape) == true
      ? next?.name : nil
  }

  /// How a tensor is stored, as rules call it, and the bits of an element.
  private static func form(of tensor: PlannedTensor) -> (name: String, bits: Double) {
    guard case .coded(let quantizer)? = tensor.encoding else { return ("fp8", 8) }
    return (quantizer.rawValue, quantizer.bitsPerElement)
  }

  /// Adds the finer form, where it was measured, and 16 bits.
  mutating func addSteps(_ finer: RewritingRequest.CoarseLayer?) {
    if let finer {
      let form = Self.form(of: finer.tensor)
      steps.append(Step(form: form.name, error: finer.error.differenceSquares, bits: form.bits))
    }
    steps.append(Step(form: "bf16", error: 0, bits: 16))
  }

  /// Its squared error in the form that it has.
  var error: Double { steps[step].error }

  /// How much the squared error falls for a bit when it is raised; nil when it has 16 bits.
  var gain: Double? {
    guard step + 1 < steps.count else { return nil }
    let (own, next) = (steps[step], steps[step + 1])
    return (own.error - next.error) / (elementCount * (next.bits - own.bits))
  }

  mutating func raise() { step += 1 }

  /// What it was raised to; nil when it keeps the form that the rules say.
  var raised: RaisedLayer? { step == 0 ? nil : RaisedLayer(layer: name, form: steps[step].form) }
}

extension [RaisableLayer] {
  /// The error of all, relative to their numbers.
  fileprivate var relativeError: Double {
    let squares = reduce(0) { $0 + $1.squares }
    return squares == 0 ? 0 : (reduce(0) { $0 + $1.error } / squares).squareRoot()
  }

  /// Raises layers until the error of all is within a limit.
  fileprivate mutating func raise(within limit: Double) {
    let greatest = limit * limit * reduce(0) { $0 + $1.squares }
    while reduce(0, { $0 + $1.error }) > greatest {
      var best: (index: Int, gain: Double)?
      for (index, layer) in enumerated() {
        if let gain = layer.gain, gain > best?.gain ?? -.infinity { best = (index, gain) }
      }
      guard let best else { return }
      self[best.index].raise()
    }
  }
}

extension PlannedTensor {
  /// The layer that it is the weight of.
  fileprivate var layerName: String { name.droppingSuffix(".weight") ?? name }
}
