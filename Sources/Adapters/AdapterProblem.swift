internal import Safetensors

/// Something about an adapter file that a person should know.
public enum AdapterProblem: Sendable, Equatable {
  // Errors: the adapter can't be used as it stands.

  /// Keys of a method that isn't plain LoRA; optional when the file is a plain one without them.
  case otherMethod(
    method: String, keyCount: Int, example: String, advice: String? = nil, isOptional: Bool = false)
  /// A key that is no part of an adapter.
  case unknownKey(key: String)
  /// A module that no family has, or that isn't there in the one that the rest belongs to.
  case unknownModule(name: String)
  /// A module without a weight matrix.
  case notLinear(name: String)
  /// One factor without the other.
  case missingFactor(name: String, missing: String)
  /// A factor that isn't stored as floating-point numbers that can be read.
  case wrongType(key: String, found: String)
  /// Factors whose shapes contradict each other or the module.
  case wrongShape(name: String, down: [Int], up: [Int], detail: String)
  /// An alpha that isn't one finite number.
  case badAlpha(name: String, found: String)
  /// A module that two keys give.
  case givenTwice(module: String, names: [String])
  /// The header's description of the adapter can't be used.
  case badHeader(detail: String)
  /// The header and the tensors contradict each other.
  case contradiction(name: String, detail: String)
  /// A factor holds NaN or infinity.
  case notFinite(key: String)
  /// There is no module at all.
  case empty

  // Warnings: the adapter can be used, and something about it is worth knowing.

  /// Nothing says what alpha is.
  case alphaAssumed(moduleCount: Int)
  /// A loader that judges by the first key would leave modules out.
  case mixedDialects(applied: Int, of: Int)
  /// An alpha of 0 or less.
  case uselessAlpha(name: String, alpha: Double)
  /// The scale is only in a header that some programs don't read.
  case scaleOnlyInHeader(scale: Double)
  /// Keys of text encoders.
  case textEncoderKeys(count: Int)
  /// Differences that change nothing, and are left out.
  case zeroDifferences(count: Int)

  /// Whether the adapter can't be used as it stands.
  public var isError: Bool {
    switch self {
    case .alphaAssumed, .mixedDialects, .uselessAlpha, .scaleOnlyInHeader, .textEncoderKeys,
      .zeroDifferences:
      false
    default: true
    }
  }
}

extension AdapterProblem: CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .otherMethod(let method, let count, let example, let advice, _):
      Self.keys(count, of: method, example: example)
        + ": not a plain LoRA, which is all that is read" + (advice.map { "; \($0)" } ?? "")
    case .unknownKey(let key): "key '\(key)' is no part of an adapter that is known"
    case .unknownModule(let name): "'\(name)' maps to no module of a known family"
    case .notLinear(let name): "'\(name)' is a module without a weight matrix to adapt"
    case .missingFactor(let name, let missing): "'\(name)' has no \(missing)"
    case .wrongType(let key, let found):
      "key '\(key)': dtype \(found), expected F32, F16 or BF16"
    case .wrongShape(let name, let down, let up, let detail):
      "'\(name)': down \(down) and up \(up): \(detail)"
    case .badAlpha(let name, let found):
      "'\(name)': alpha is \(found), expected one finite number"
    case .givenTwice(let module, let names):
      "module '\(module)' is given more than once: "
        + names.map { "'\($0)'" }.joined(separator: " and ")
    case .badHeader(let detail): detail
    case .contradiction(let name, let detail): "'\(name)': \(detail)"
    case .notFinite(let key): "key '\(key)' holds NaN or infinity"
    case .empty: "no adapter module is there"
    case .alphaAssumed(let count):
      "no alpha is stored for \(count) module\(count == 1 ? "" : "s"): scale 1 is assumed "
        + "(alpha = rank); if training used another alpha, say which"
    case .mixedDialects(let applied, let all):
      "key dialects are mixed: diffusers judges by the first key and would apply \(applied) of "
        + "\(all) modules; here all \(all) count"
    case .uselessAlpha(let name, let alpha):
      "'\(name)': alpha is \(alpha.plain)\(alpha == 0 ? ", so the module does nothing" : "")"
    case .scaleOnlyInHeader(let scale):
      "the scale \(scale.plain) is only in the header, which ComfyUI and kohya's scripts don't read: "
        + "they would apply 1"
    case .textEncoderKeys(let count):
      "\(count) keys belong to text encoders; only the transformer's are used"
    case .zeroDifferences(let count):
      "\(count) difference\(count == 1 ? " is" : "s are") zero everywhere and left out"
    }
  }
}

extension AdapterProblem {
  /// What is missing when this is left out instead of refusing the file, in words.
  public var whatIsLeftOut: String {
    if case .otherMethod(let method, let count, let example, _, _) = self {
      return Self.keys(count, of: method, example: example)
    }
    return description
  }

  private static func keys(_ count: Int, of method: String, example: String) -> String {
    "\(count) key\(count == 1 ? "" : "s") of \(method), such as '\(example)'"
  }
}

extension Double {
  /// The number without a needless `.0`.
  var plain: String {
    let text = "\(self)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
