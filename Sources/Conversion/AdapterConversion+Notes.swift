internal import Adapters
internal import Checkpoints
internal import Safetensors
internal import Tensors

extension AdapterConversion {
  /// What a person should know: where the scale comes from, what is left out, what is rounded, what
  /// loaders pass over.
  public var notes: [String] {
    let warnings = file.problems.filter { problem in
      if case .textEncoderKeys = problem { return false }
      return !problem.isError
    }
    let ofEncoders = adapter.textEncoders.isEmpty ? [] : file.textEncoderProblems
    return leftOut + warnings.map(\.description)
      + ofEncoders.filter { !$0.isError }.map { "text encoders: \($0)" } + roundings + unread
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
