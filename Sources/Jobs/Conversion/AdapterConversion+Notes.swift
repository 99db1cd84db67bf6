internal import AdapterAlgebra
public import Adapters
internal import Elements
internal import Tensors

extension AdapterConversion {
  /// What a person should know: where the scale comes from, what is left out, what is rounded, what
  /// loaders pass over.
  public var notes: [AdapterNote] {
    let ofEncoders = adapter.textEncoders.isEmpty ? [] : file.textEncoderProblems
    return leftOut.map { AdapterNote($0) } + warnings + (unusedRank + lost).map { AdapterNote($0) }
      + ofEncoders.filter(isTold).map { AdapterNote(ofTextEncoders: $0) }
      + (roundings + unread + uncertain + lengths).map { AdapterNote($0) }
  }

  /// Whether a problem is told as the file has it: it is neither a fault, nor told as what is left out, nor
  /// of no matter to this conversion.
  private func isTold(_ problem: AdapterProblem) -> Bool {
    !problem.isError && !tolerated.contains(problem)
      && !file.isSettled(problem, by: otherMethods)
  }

  /// What the file's problems mean for this conversion; scales that stand only in one place beside
  /// the factors in one sentence.
  private var warnings: [AdapterNote] {
    var scales: [(scale: Double, place: String)] = []
    var notes: [AdapterNote] = []
    for problem in file.problems where isTold(problem) {
      switch problem {
      case .textEncoderKeys, .onlyTextEncoders: break
      case .scaleOnlyInHeader(let scale, let place): scales.append((scale, place))
      default: notes.append(AdapterNote(problem))
      }
    }
    guard let first = scales.first, let least = scales.map(\.scale).min(),
      let largest = scales.map(\.scale).max()
    else { return notes }
    guard scales.count > 1 else {
      return notes
        + [AdapterNote(AdapterProblem.scaleOnlyInHeader(scale: first.scale, place: first.place))]
    }
    return notes + [
      AdapterNote(
        "scales of \(Float(least)) to \(Float(largest)) are only in \(first.place), which ComfyUI and "
          + "kohya's scripts don't read: they would apply 1")
    ]
  }

  /// What rounding changes, for all factors together.
  private var roundings: [String] {
    let modules = adapter.includingPairsOfLengths.components.flatMap(\.modules)
    var notes: [String] = []
    if let dtype = options.dtype {
      let narrowed = modules.flatMap { [$0.down.dtype, $0.up.dtype] }
        .filter { $0 != dtype && dtype != .f32 }
      if !narrowed.isEmpty {
        notes.append("factors rounded to \(dtype.rawValue): \(narrowed.count)")
      }
    }
    for factors in baked where factors.written != factors.stored && options.dtype == nil {
      notes.append(
        "B is written as \(factors.written.rawValue) (modules: \(factors.moduleCount)): with its "
          + "scale it has no good place in \(factors.stored.rawValue)")
    }
    let rounded = baked.reduce(0) { $0 + $1.roundedCount }
    if rounded > 0 {
      notes.append(
        "baking the scale rounds B (modules: \(rounded)); --dtype f32 keeps 24 bits, and "
          + "--alpha tensor every bit")
    }
    return notes
  }

  /// That there is nothing to make closest LoRAs of.
  private var unusedRank: [String] {
    guard let ranks, ranks.modules.isEmpty else { return [] }
    return ["no change needs a closest LoRA: --rank has no effect"]
  }

  /// What closest LoRAs lose, module by module; all of it in one sentence.
  private var lost: [String] {
    guard let ranks, let least = ranks.modules.min(by: { $0.energyKept < $1.energyKept }),
      let kept = ranks.energyKeptOfAny, kept < 1
    else { return [] }
    func percent(_ share: Double) -> String { "\((share * 10_000).rounded(.down) / 100) %" }
    return [
      "the closest LoRAs (modules: \(ranks.modules.count)) keep \(percent(kept)) of their energy, the "
        + "least '\(least.path)' with \(percent(least.energyKept)); a larger --rank keeps more"
    ]
  }

  /// That first factors are told by the base in part only, or by one that they aren't of.
  private var uncertain: [String] {
    if let baseFactors, !(baseFactors.share < 0.5) {
      return [
        "what is left without the base's first factors is large, \(Float(baseFactors.share)) of them: is "
          + "--base the model that training began with?"
      ]
    }
    guard let least = baseFactors?.least, least.uncertainty > 1e-2 else { return [] }
    let share = (least.uncertainty * 1000).rounded(.up) / 10
    return [
      "the base tells the first factors of '\(least.path)' badly: what training began with may have been "
        + "another by up to some \(share) % of the module's change"
    ]
  }

  /// What programs make of lengths in a file of LyCORIS' form.
  private var lengths: [String] {
    guard adapter.hasLengths, ["kohya", "onetrainer"].contains(dialect) else { return [] }
    return [
      "DoRA (dora_scale) is for LyCORIS and OneTrainer: kohya's scripts leave it out, and ComfyUI divides "
        + "rows by the length that they have in the base; a bake is what was trained everywhere"
    ]
  }

  private var unread: [String] {
    adapter.textEncodersPassedOver(by: dialect).map {
      "loaders of dialect '\(dialect)' pass over the modules of \($0)"
    }
  }
}
