/// A tensor in a computation that may be differentiated.
public struct Variable: Sendable {
  /// The value.
  public let tensor: Tensor
  /// Place in the tape's numbering; nil for a constant.
  package let id: Int?
  /// What it is made of again where gradients need it; nil: it is kept itself.
  let recipe: Kept?

  /// Whether a gradient flows back to this value.
  public var needsGradient: Bool { id != nil }

  /// A value through which no gradient flows.
  public init(constant tensor: Tensor) {
    self.init(tensor, id: nil)
  }

  /// The same value, kept itself.
  var keptItself: Variable { Variable(tensor, id: id) }

  init(_ tensor: Tensor, id: Int?, recipe: Kept? = nil) {
    self.tensor = tensor
    self.id = id
    self.recipe = recipe
  }
}

/// Records coarse operations as they run, and derives gradients from the record in reverse.
///
/// Nothing is recorded, and no value kept, where no trainable factor lies upstream; so inference
/// uses the same code and the memory of what is alive. A tape belongs to one thread; the operations
/// use several inside.
public final class Tape {
  /// What a tape keeps.
  public enum Mode: Sendable {
    /// Values only; adapters act, but nothing can be differentiated.
    case inference
    /// Which values depend on trainable factors, but not how: for portions that are recomputed.
    case tracking
    /// Everything that gradients need.
    case recording
  }

  /// Maps what an operation saved and the gradients of its outputs (nil: none arrived) to those of its
  /// inputs. It holds no values of the computation but those that it saved.
  typealias Pullback = (_ saved: SavedValues, _ outputGradients: [Tensor?]) -> [Tensor?]

  private struct Entry {
    let outputs: [Int]
    let inputs: [Int?]
    let kept: [Kept]
    let pullback: Pullback
  }

  package let mode: Mode
  /// What computes.
  package let engine: any Engine
  /// Low-rank factors by the name of the linear layer they are attached to.
  let adapters: AttachedAdapters
  package let factorGradients: FactorGradientStore
  private var entries: [Entry] = []
  private var count = 0

  /// A tape on which linear layers act with these adapters.
  public convenience init(mode: Mode, adapters: AttachedAdapters = [:]) {
    self.init(
      mode: mode, engine: HostEngine(), adapters: adapters, factorGradients: FactorGradientStore())
  }

  /// A tape for passes of transformers, which run on the engine that was chosen for them.
  package convenience init(ofTransformers mode: Mode, adapters: AttachedAdapters = [:]) {
    self.init(
      mode: mode, engine: TransformerEngine.current, adapters: adapters,
      factorGradients: FactorGradientStore())
  }

  /// A tape for a text encoder whose layers have these linear layers.
  package convenience init(ofTextEncoder layers: [[LinearLayer]]) {
    self.init(
      mode: .inference, engine: TransformerEngine.current.forTextEncoder(layers), adapters: [:],
      factorGradients: FactorGradientStore())
  }

  package init(
    mode: Mode, engine: any Engine, adapters: AttachedAdapters, factorGradients: FactorGradientStore
  ) {
    self.mode = mode
    self.engine = engine
    self.adapters = adapters
    self.factorGradients = factorGradients
  }

  /// Whether adapters act on any of these layers.
  package func adapts(_ layers: [LinearLayer]) -> Bool {
    layers.contains { adapters[$0.name] != nil }
  }

  /// A value whose gradient is wanted.
  package func variable(_ tensor: Tensor) -> Variable { Variable(tensor, id: newID()) }

  private func newID() -> Int {
    count += 1
    return count - 1
  }

  /// The result of an operation with one output.
  ///
  /// - Parameters:
  ///   - output: the value computed.
  ///   - inputs: what it was computed from, in the order of the pullback's results.
  ///   - trains: whether the operation has trainable factors of its own.
  ///   - needed: the values that the pullback needs.
  ///   - remake: makes the output of these values again, in little time: who needs it later then keeps no
  ///     more than them.
  ///   - pullback: these values and the gradient of the output to gradients of the inputs.
  /// - Returns: the output, a constant where nothing needs its gradient.
  package func record(
    _ output: Tensor, from inputs: [Variable], trains: Bool = false, saving needed: [Needed] = [],
    remaking remake: (@Sendable (_ saved: [Tensor]) -> Tensor)? = nil,
    pullback: @escaping (_ saved: SavedValues, _ gradient: Tensor) -> [Tensor?]
  ) -> Variable {
    let kept = records(inputs, trains: trains) ? needed.map(keep) : []
    let result = record([output], from: inputs, dependent: [true], trains: trains, kept: kept) {
      saved, gradients in gradients[0].map { pullback(saved, $0) } ?? []
    }[0]
    guard let remake, result.needsGradient, mode == .recording else { return result }
    return Variable(output, id: result.id, recipe: Kept(of: kept, remake))
  }

  /// The output of an operation that takes little time: where one of its inputs is made again, so is this one.
  func remade(
    _ output: Variable, of inputs: [Variable], _ remake: @escaping Kept.Making
  ) -> Variable {
    guard mode == .recording, output.needsGradient, inputs.contains(where: { $0.recipe != nil })
    else { return output }
    let kept = inputs.map { keep(.value(of: $0)) }
    return Variable(output.tensor, id: output.id, recipe: Kept(of: kept, remake))
  }

  private func keep(_ needed: Needed) -> Kept {
    switch needed {
    case .value(let variable): variable.recipe ?? Kept(engine.kept(variable.tensor))
    case .activations(let tensor): Kept(engine.kept(tensor))
    case .exact(let tensor): Kept(tensor)
    }
  }

  /// Whether an operation's pullback is recorded.
  private func records(_ inputs: [Variable], trains: Bool) -> Bool {
    mode == .recording && (trains || inputs.contains(where: \.needsGradient))
  }

  /// The results of an operation with several outputs; `dependent` says which of them depend on
  /// the inputs or on trainable factors.
  func record(
    _ outputs: [Tensor], from inputs: [Variable], dependent: [Bool], trains: Bool, kept: [Kept],
    pullback: @escaping Pullback
  ) -> [Variable] {
    guard mode != .inference, trains || inputs.contains(where: \.needsGradient) else {
      return outputs.map { Variable(constant: $0) }
    }
    let ids = dependent.map { $0 ? newID() : nil }
    if mode == .recording {
      // An output that depends on nothing trainable gets a number that no gradient ever reaches.
      entries.append(
        Entry(
          outputs: ids.map { $0 ?? newID() }, inputs: inputs.map(\.id), kept: kept,
          pullback: pullback))
    }
    return zip(outputs, ids).map { Variable($0, id: $1) }
  }

  /// The same values, with an action that is run when their gradients arrive.
  package func uponGradients(
    of values: [Variable], _ action: @escaping () -> Void
  ) -> [Variable] {
    record(
      values.map(\.tensor), from: values, dependent: values.map(\.needsGradient), trains: false,
      kept: []
    ) { _, gradients in
      action()
      return gradients
    }
  }

  /// Runs the record backwards and empties it.
  ///
  /// - Parameter seeds: values with the gradient of the loss with respect to each.
  /// - Returns: gradients of the values made by ``variable(_:)``, by their number; the gradients of
  ///   adapters are in ``gradients``.
  @discardableResult
  package func runBackward(from seeds: [(Variable, Tensor)]) -> [Int: Tensor] {
    precondition(mode == .recording, "only a recording tape has a backward pass")
    var gradients: [Int: Tensor] = [:]
    func accumulate(_ gradient: Tensor, _ id: Int) {
      guard var sum = gradients.removeValue(forKey: id) else {
        gradients[id] = gradient
        return
      }
      engine.add(gradient, times: 1, to: &sum)
      gradients[id] = sum
    }
    for (variable, gradient) in seeds {
      if let id = variable.id { accumulate(gradient, id) }
    }
    while let entry = entries.popLast() {
      let outputGradients = entry.outputs.map { gradients.removeValue(forKey: $0) }
      guard outputGradients.contains(where: { $0 != nil }) else { continue }
      for (id, gradient) in zip(
        entry.inputs, entry.pullback(SavedValues(entry.kept, engine), outputGradients)
      ) {
        if let id, let gradient { accumulate(gradient, id) }
      }
    }
    return gradients
  }

  /// Bytes of all that is kept for gradients, each tensor counted once however often it is kept.
  package var keptByteCount: Int {
    var seen: Set<ObjectIdentifier> = []
    return entries.lazy.flatMap(\.kept).flatMap(\.tensors).reduce(0) { sum, tensor in
      seen.insert(tensor.place).inserted ? sum + tensor.byteCount : sum
    }
  }

  /// Derives the gradients of a scalar with respect to every trainable factor; read them from
  /// ``gradients``. The record is used up.
  ///
  /// - Parameters:
  ///   - loss: the scalar.
  ///   - weight: multiplies it, and so the gradients.
  public func differentiate(_ loss: Variable, times weight: Float = 1) {
    precondition(loss.tensor.count == 1, "only a scalar can be differentiated")
    runBackward(from: [(loss, Tensor(shape: loss.tensor.shape, [weight]))])
  }

  /// Gradients of the trainable factors, by the name of their layer, summed over everything
  /// differentiated on this tape. A layer that the loss does not depend on is absent.
  public var gradients: [String: FactorGradients] { factorGradients.byLayer }
}
