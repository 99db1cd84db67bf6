internal import Adapters
internal import Checkpoints
internal import Safetensors
internal import Tensors

extension AdapterConversion {
  /// What a person should know: where the scale comes from, what is left out, what is rounded, what
  /// loaders pass over.
  public var notes: [String] {
    let ofEncoders = adapter.textEncoders.isEmpty ? [] : file.textEncoderProblems
    return leftOut + warnings
      + ofEncoders.filter { !$0.isError }.map { "text encoders: \($0)" } + roundings + unread
  }

  /// What the file's problems mean for this conversion; scales that only its header has in one
  /// sentence.
  private var warnings: [String] {
    var scales: [Double] = []
    var notes: [String] = []
    for problem in file.problems where !problem.isError {
      switch problem {
      case .textEncoderKeys: break
      case .alphaAssumed where isAlphaGiven: break
      case .scaleOnlyInHeader(let scale): scales.append(scale)
      default: notes.append(problem.description)
      }
    }
    if scales.count == 1 {
      notes.append(AdapterProblem.scaleOnlyInHeader(scale: scales[0]).description)
    } else if let least = scales.min(), let largest = scales.max() {
      notes.append(
        "scales of \(Float(least)) to \(Float(largest)) are only in the header, which ComfyUI and kohya's "
          + "scripts don't read: they would apply 1")
    }
    return notes
  }

  /// What rounding changes, for all factors together.
  private var roundings: [String] {
    let modules = adapter.components.flatMap(\.modules)
    var notes: [String] = []
    if let dtype = options.dtype {
      let narrowed = modules.flatMap { [$0.down.dtype, $0.up.dtype] }
        .filter { $0 != dtype && dtype != .f32 }
      if !narrowed.isEmpty {
        notes.append("factors rounded to \(dtype.rawValue): \(narrowed.count)")
      }
    }
    let baked = modules.filter { module in
      let isExact = abs(module.scale.significand) == 1 || module.scale == 0
      return !isExact && (options.dtype ?? module.up.dtype) != .f32
    }
    if options.alpha == .bake, !baked.isEmpty {
      notes.append(
        "baking the scale rounds B (modules: \(baked.count)); --dtype f32 keeps 24 bits, and "
          + "--alpha tensor every bit")
    }
    return notes
  }

  private var unread: [String] {
    adapter.textEncodersPassedOver(by: dialect).map {
      "loaders of dialect '\(dialect)' pass over the modules of \($0)"
    }
  }
}
