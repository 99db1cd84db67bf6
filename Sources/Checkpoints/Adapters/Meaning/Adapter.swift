public import Checkpoints
public import Tensors
internal import Text

/// An adapter in its one meaning: for every module, W becomes W + scale · up · down; and what other
/// methods do.
///
/// Dialects exist only in files; here module paths are diffusers' and every module has its own
/// scale.
public struct Adapter: Sendable {
  /// The family it was made for; nil when its modules don't tell.
  public var family: ModelFamily?
  /// The adapted modules, each once.
  public var modules: [AdapterModule]
  /// What is changed otherwise than by a low-rank pair: whole matrices, biases, norms, lengths of
  /// rows. Only who asks for it gets it, see ``AdapterReadingOptions/OtherMethods``.
  public var changes: [ParameterChange]
  /// What is changed of a pipeline's text encoders, by component: `text_encoder`,
  /// `text_encoder_2`. Their modules' paths are transformers'.
  public var textEncoders: [String: AdapterPart]
  /// The file's metadata, in its order.
  public var metadata: Metadata

  /// An adapter of these modules.
  public init(
    family: ModelFamily?, modules: [AdapterModule], changes: [ParameterChange] = [],
    textEncoders: [String: AdapterPart] = [:], metadata: Metadata = []
  ) {
    self.family = family
    self.modules = modules
    self.changes = changes
    self.textEncoders = textEncoders
    self.metadata = metadata
  }

  /// Every component's modules: the transformer's first, then the text encoders' in the order of
  /// their names.
  public var components: [(name: String, modules: [AdapterModule])] {
    parts.map { ($0.name, $0.part.modules) }.filter { !$0.modules.isEmpty }
  }

  /// What is changed of every component, in that order; of the transformer perhaps nothing.
  package var parts: [(name: String, part: AdapterPart)] {
    get {
      [(AdapterFile.transformer, transformerPart)]
        + textEncoders.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
    set {
      textEncoders = [:]
      for (name, part) in newValue {
        if name == AdapterFile.transformer {
          (modules, changes) = (part.modules, part.changes)
        } else {
          textEncoders[name] = part
        }
      }
    }
  }

  /// What is changed of the transformer.
  package var transformerPart: AdapterPart { AdapterPart(modules: modules, changes: changes) }

  /// Whether something of some component is changed otherwise than by a low-rank pair.
  package var hasChanges: Bool { parts.contains { !$0.part.changes.isEmpty } }

  /// Modules of all components that it changes in some way.
  package var changedModuleCount: Int { parts.reduce(0) { $0 + $1.part.paths.count } }

  /// The component that adapters are for first of all.
  package static let transformer = AdapterFile.transformer

  /// What a module of a component is called among those of all: the transformer's by their paths alone.
  package static func name(of path: String, in component: String) -> String {
    component == AdapterFile.transformer ? path : "\(component).\(path)"
  }

  /// The ranks that occur, ascending.
  public var ranks: [Int] { Array(Set(modules.map(\.rank))).sorted() }

  /// The scales that occur, ascending.
  public var scales: [Double] { Array(Set(modules.map(\.scale))).sorted() }

  /// Elements of all factors.
  public var parameterCount: Int {
    modules.reduce(0) { $0 + $1.down.elementCount + $1.up.elementCount }
  }

  /// The families that have all of its modules, whatever it was made for.
  var familiesOfModules: [ModelFamily] {
    ModelFamily.all.filter { family in
      modules.allSatisfy { module in
        family.modules.contains { $0.path.block(of: module.path) != nil }
      }
    }
  }

  /// The module of a canonical path. Takes time proportional to the number of modules.
  public func module(at path: String) -> AdapterModule? {
    modules.first { $0.path.sameBytes(as: path) }
  }
}

/// What an adapter does to one component of a pipeline.
public struct AdapterPart: Sendable {
  /// The adapted modules, each once.
  public var modules: [AdapterModule]
  /// What is changed otherwise than by a low-rank pair; see ``Adapter/changes``.
  public var changes: [ParameterChange]

  /// A part of these modules and changes.
  public init(modules: [AdapterModule], changes: [ParameterChange] = []) {
    self.modules = modules
    self.changes = changes
  }

  /// Whether nothing is changed.
  public var isEmpty: Bool { modules.isEmpty && changes.isEmpty }

  /// Whether some weight is given lengths.
  var hasLengths: Bool { changes.contains { $0.magnitude != nil } }

  /// Whether some bias is changed.
  var hasBiases: Bool { changes.contains { $0.parameter == .bias } }

  /// Canonical paths of the modules that it changes, each once.
  public var paths: [String] {
    var seen = Set<String>()
    return (modules.map(\.path) + changes.map(\.path)).filter { seen.insert($0).inserted }
  }
}

/// The low-rank change of one module's weight: scale · up · down.
public struct AdapterModule: Sendable {
  /// Canonical module path, such as `transformer_blocks.0.attn.to_q`.
  public let path: String
  /// What its file calls it, without endings, such as `lora_unet_double_blocks_0_img_attn_qkv`; the
  /// path when no file does.
  public let name: String
  /// The factor called A: `[rank, inFeatures]`.
  public let down: TensorView
  /// The factor called B: `[outFeatures, rank]`.
  public let up: TensorView
  /// What the product is multiplied by; alpha / rank where a file speaks of alpha.
  public var scale: Double
  /// Who says so.
  public var scaleSource: ScaleSource

  /// Where a scale comes from.
  public enum ScaleSource: String, Sendable {
    /// An alpha tensor of the module.
    case alphaTensor
    /// The file's header: `lora_adapter_metadata`, or a key by itself.
    case header
    /// The adapter_config.json beside the file.
    case configuration
    /// Nothing says: alpha = rank, scale 1.
    case assumed
    /// The caller.
    case given
  }

  /// A module's factors; their shapes must agree.
  public init(
    path: String, name: String? = nil, down: TensorView, up: TensorView, scale: Double = 1,
    scaleSource: ScaleSource = .given
  ) {
    precondition(
      down.shape.count == 2 && up.shape.count == 2 && down.shape[0] == up.shape[1],
      "\(path): down must be [rank, in] and up [out, rank]")
    self.path = path
    self.name = name ?? path
    self.down = down
    self.up = up
    self.scale = scale
    self.scaleSource = scaleSource
  }

  /// Rows of down, columns of up.
  public var rank: Int { down.shape[0] }
  /// Columns of down.
  public var inFeatures: Int { down.shape[1] }
  /// Rows of up.
  public var outFeatures: Int { up.shape[0] }
  /// The alpha that gives the scale at this rank.
  public var alpha: Double { scale * Double(rank) }
}

extension Adapter {
  /// Text encoders that this adapter changes and that a dialect has no form for, by component.
  public func textEncodersWithoutForm(in dialect: String) -> [String] {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return [] }
    return textEncoders.keys.sorted().filter { recipe.textEncoders[$0] == nil }
  }

  /// Text encoders that this adapter changes and that a dialect's loaders don't read although it has
  /// a form for them, by component.
  ///
  /// Source: huggingface/diffusers, `loaders/lora_pipeline.py`, `_lora_loadable_modules` of the
  /// pipelines of FLUX.1 (the transformer and CLIP) and Qwen-Image (the transformer).
  public func textEncodersPassedOver(by dialect: String) -> [String] {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return [] }
    return textEncoders.keys.sorted().filter(recipe.unread.contains)
  }
}
