internal import Checkpoints

/// Something about an adapter file that a person should know.
public enum AdapterProblem: Sendable, Equatable {
  // Errors: the adapter can't be used as it stands.

  /// Keys of a method that isn't read.
  case otherMethod(OtherMethodFacts)
  /// An adapter for a model that isn't read.
  case otherModel(title: String, evidence: [String])
  /// The metadata say that it is for another model than its modules' names and shapes; refused where
  /// that is what the key is for.
  case otherFamilyStated(
    found: [String], stated: String, statements: [String], isRefused: Bool)
  /// Names that several families have, and that mean different modules of them.
  case ambiguousFamily([String])
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
  /// The tensors of another method contradict each other or the module.
  case wrongChange(name: String, method: String, detail: String)
  /// An alpha that isn't one finite number.
  case badAlpha(name: String, found: String)
  /// A module that two keys give.
  case givenTwice(module: String, names: [String])
  /// The header's description of the adapter can't be used.
  case badHeader(detail: String)
  /// The header and the tensors contradict each other.
  case contradiction(name: String, detail: String)
  /// The factors are a difference to something else than the model's own weights: the method, where it is
  /// stated, and what was taken out of these, where they tell.
  case otherBase(method: String, field: String, statedBy: String, factors: BaseFactors? = nil)
  /// A factor holds NaN or infinity.
  case notFinite(key: String)
  /// There is no module at all.
  case empty

  // Warnings: the adapter can be used, and something about it is worth knowing.

  /// Keys of a method that is read, and whose changes only baking and drawing take; why.
  case noPlainLoRA(OtherMethodFacts, reason: WhyNoLoRA)
  /// Nothing says what alpha is, or nothing that can be relied on.
  case alphaAssumed(moduleCount: Int, copiedAlpha: String? = nil)
  /// A key of the header that gives an alpha elsewhere holds no number.
  case unreadAlpha(key: String, value: String)
  /// PEFT's description beside the file is one of another file.
  case configurationNotRead
  /// Factors that began in a way that isn't known here.
  case unknownBeginning(value: String, statedBy: String)
  /// A loader that judges by the first key would leave modules out.
  case mixedDialects(applied: Int, of: Int)
  /// An alpha of 0 or less.
  case uselessAlpha(name: String, alpha: Double)
  /// The scale is only in a place that some programs don't read.
  case scaleOnlyInHeader(scale: Double, place: String = "the header")
  /// Keys of text encoders.
  case textEncoderKeys(count: Int)
  /// There is no module of the transformer, but of text encoders, which not every command takes.
  case onlyTextEncoders(moduleCount: Int)
  /// `lora_adapter_metadata` speaks of a component that isn't there, and not of the transformer.
  case otherComponentDescribed(name: String)
  /// What a wrapper of the model left in names, and means nothing.
  case wrapper(name: String, moduleCount: Int, of: Int)
  /// Differences that change nothing, and are left out.
  case zeroDifferences(count: Int)

  /// Whether the adapter can't be used as it stands.
  public var isError: Bool {
    switch self {
    case .otherFamilyStated(_, _, _, let isRefused): isRefused
    case .noPlainLoRA, .alphaAssumed, .unreadAlpha, .configurationNotRead, .unknownBeginning,
      .mixedDialects,
      .uselessAlpha, .scaleOnlyInHeader, .textEncoderKeys, .onlyTextEncoders,
      .otherComponentDescribed, .zeroDifferences, .wrapper:
      false
    default: true
    }
  }
}

extension AdapterProblem: CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .otherMethod(let facts):
      "\(facts): neither a plain LoRA nor another method that is read" + facts.advised
    case .noPlainLoRA(let facts, let reason):
      "\(facts): no plain LoRA, since \(reason.rawValue): "
        + (reason == .replacesNorms ? "a bake takes it" : "baking and drawing take it")
        + facts.advised
    case .otherModel(let title, let evidence):
      "an adapter for \(title), expected one for "
        + Self.titles(ModelFamily.all.map(\.name), joined: " or ")
        + " (\(evidence.joined(separator: ", ")))"
    case .otherFamilyStated(let found, let stated, let statements, let isRefused):
      "its modules are those of \(Self.titles(found, joined: " or ")), and its metadata say "
        + "\(stated) (\(statements.joined(separator: ", ")))"
        + (isRefused
          ? "; if that isn't true, say what it is for: \(Self.families(found)) of glance-convert and "
            + "glance-merge" : ", which counts for nothing here")
    case .ambiguousFamily(let names):
      "its modules' names are there in \(Self.titles(names, joined: " and in ")), and mean different "
        + "modules; say what it is for: \(Self.families(names)) of glance-convert and glance-merge"
    case .unknownKey(let key): "key '\(key)' is no part of an adapter that is known"
    case .unknownModule(let name): "'\(name)' maps to no module of a known family"
    case .notLinear(let name): "'\(name)' is a module without a weight matrix to adapt"
    case .missingFactor(let name, let missing): "'\(name)' has no \(missing)"
    case .wrongType(let key, let found):
      "key '\(key)': dtype \(found), expected \(Self.readableTypes)"
    case .wrongShape(let name, let down, let up, let detail):
      "'\(name)': down \(down) and up \(up): \(detail)"
    case .wrongChange(let name, let method, let detail): "'\(name)' (\(method)): \(detail)"
    case .badAlpha(let name, let found):
      "'\(name)': alpha is \(found), expected one finite number"
    case .givenTwice(let module, let names):
      "module '\(module)' is given more than once: "
        + names.map { "'\($0)'" }.joined(separator: " and ")
    case .badHeader(let detail): detail
    case .contradiction(let name, let detail): "'\(name)': \(detail)"
    case .otherBase(let method, let field, let place, let factors):
      "'\(field)' in \(place) says \(method): its first factors were taken out of the base's weights, "
        + "so it is no difference to the model's own; "
        + (factors == nil
          ? "make a plain LoRA of it with the program that trained it (PEFT: save_pretrained with "
            + "path_initial_model_for_weight_conversion), or merge it there"
          : "'glance-convert FILE --base BASE --output LORA' makes a plain LoRA of it with the model that "
            + "it was trained on")
    case .notFinite(let key): "key '\(key)' holds NaN or infinity"
    case .empty: "no adapter module is there"
    case .alphaAssumed(let count, let copied):
      "no alpha is stored for \(count) module\(count == 1 ? "" : "s"): scale 1 is assumed "
        + "(alpha = rank)"
        + (copied.map {
          "; the header's '\(StatedScales.shared.copied.alpha)' of \($0) is not applied, since "
            + "converters copy it when the scale is in the factors already"
        } ?? "")
    case .unreadAlpha(let key, let value):
      "the header's '\(key)' is '\(value.prefix(60))', which is no number and not used"
    case .configurationNotRead:
      "\(StatedScales.shared.configurationName) beside it is not used: it describes "
        + "\(StatedScales.shared.describedNames.first ?? "another file"); give the file that name if "
        + "it is the one that is described"
    case .unknownBeginning(let value, let place):
      "'init_lora_weights' in \(place) is '\(value.prefix(60))', which is not known here: where it "
        + "takes the first factors out of the base's weights, the adapter is no difference to the "
        + "model's own"
    case .mixedDialects(let applied, let all):
      "key dialects are mixed: diffusers judges by the first key and would apply \(applied) of "
        + "\(all) modules; here all \(all) count"
    case .uselessAlpha(let name, let alpha):
      "'\(name)': alpha is \(alpha.plain)\(alpha == 0 ? ", so the module does nothing" : "")"
    case .scaleOnlyInHeader(let scale, let place):
      "the scale \(scale.plain) is only in \(place), which ComfyUI and kohya's scripts don't read: "
        + "they would apply 1"
    case .textEncoderKeys(let count):
      "\(count) key\(count == 1 ? "" : "s") of text encoders: only converting, drawing and a bake of a pipeline's "
        + "folder into another take them"
    case .onlyTextEncoders(let count):
      "no adapter module is there for the transformer, only \(count) for text encoders: converting, "
        + "drawing and a bake of a pipeline's folder into another take them"
    case .otherComponentDescribed(let name):
      "\(AdapterHeader.metadataKey) gives rank and alpha of '\(name)', which isn't in the file, and "
        + "nothing of the transformer: they are not used"
    case .wrapper(let name, let count, let all):
      "'\(name)' in the names of \(count) of \(all) modules is left by a wrapper of the model and seen "
        + "through"
    case .zeroDifferences(let count):
      "\(count) difference\(count == 1 ? " is" : "s are") zero everywhere and left out"
    }
  }
}

extension AdapterProblem {
  /// The types of factors that are read, in words.
  static let readableTypes = "F32, F16, BF16, F8_E4M3 or F8_E5M2"

  /// What is missing when this is left out instead of refusing the file, in words.
  public var whatIsLeftOut: String {
    switch self {
    case .otherMethod(let facts), .noPlainLoRA(let facts, _): facts.withLoRAs
    default: description
    }
  }

  private static func titles(_ names: [String], joined separator: String) -> String {
    names.map { ModelFamily.named($0)?.title ?? $0 }.joined(separator: separator)
  }

  private static func families(_ names: [String]) -> String {
    names.map { "--family \($0)" }.joined(separator: " or ")
  }

  /// Whether it is about changes by another method than LoRA.
  public var isOfOtherMethod: Bool {
    switch self {
    case .otherMethod, .noPlainLoRA: true
    default: false
    }
  }

  /// Whether it is about changes that only baking and drawing take.
  var isNoPlainLoRA: Bool {
    if case .noPlainLoRA = self { true } else { false }
  }

  /// Whether it says that text encoders' parts are not used, which is for who doesn't.
  package var saysTextEncodersAreLeftOut: Bool {
    switch self {
    case .textEncoderKeys, .onlyTextEncoders: true
    default: false
    }
  }

  /// Whether it goes away when the caller says what alpha training had.
  public var isSettledByAlpha: Bool {
    if case .alphaAssumed = self { true } else { false }
  }

  /// Whether it is about what other programs make of the file, and not about its meaning.
  var isAboutOtherPrograms: Bool {
    switch self {
    case .mixedDialects, .scaleOnlyInHeader: true
    default: false
    }
  }
}

extension Double {
  /// The number without a needless `.0`.
  var plain: String {
    let text = "\(self)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
