internal import Formats
internal import JSON

/// A family of models as its file in `formats/` describes it: which tensors its transformer has,
/// what their shapes are made of, how variants differ and under which names they are published.
///
/// Everything that asks "which family?" asks this value; there is no list of families in code.
public struct ModelFamily: Sendable {
  /// Short name: `flux1`, `qwen-image`.
  public let name: String
  /// Name for people: `FLUX.1`.
  public let title: String
  /// The diffusers class of the transformer: `_class_name` of its config.json.
  public let className: String
  /// `modelspec.architecture` of its adapters, without `/lora`.
  public let modelSpecName: String
  /// `modelspec.implementation` of its adapters.
  public let implementation: String
  /// Kinds of numbered blocks.
  public let blocks: [BlockKind]
  /// Named sizes and where they can be read off.
  public let dimensions: [DimensionSource]
  /// The dimensions that all published models have, where their variant doesn't say otherwise.
  package let publishedSizes: [(name: String, value: Int)]
  /// What a checkpoint may have or lack.
  public let flags: [Flag]
  /// Every module with weights, in the order of the forward pass, under its diffusers path.
  public let modules: [ModuleTemplate]
  /// Variants, the most particular first.
  public let variants: [Variant]
  /// Keys of config.json and what they must equal.
  public let configuration: [ConfigurationRule]
  /// Named sets of adapter targets: suffixes of module paths, or `*`.
  public let targetPresets: [(name: String, suffixes: [String])]
  /// Naming schemes; the first is the canonical one.
  public let layouts: [Layout]

  /// A kind of numbered blocks, such as FLUX.1's double blocks.
  public struct BlockKind: Sendable {
    /// Name of their count: `double`.
    public let name: String
    /// Where they are, in the canonical layout: `transformer_blocks`.
    public let path: String
    /// How many the largest published model has.
    public let largestCount: Int
  }

  /// A named size and the tensors whose axis it is; the first that exists decides.
  public struct DimensionSource: Sendable {
    /// Such as `hidden`.
    public let name: String
    let sources: [(tensor: String, axis: Int)]
    /// What all published models have; nil where they differ or it doesn't matter.
    package let usual: DimensionExpression?
  }

  /// Something a checkpoint has or lacks: read off a tensor's presence or config.json.
  public struct Flag: Sendable {
    /// Such as `guidance`.
    public let name: String
    /// Tensors of which any one sets the flag.
    public let tensors: [String]
    /// A tensor without meaning of its own whose presence sets the flag.
    public let marker: String?
  }

  /// What the variants of a family are told apart by.
  public struct Variant: Sendable {
    /// Short name: `schnell`.
    public let name: String
    /// Name for people.
    public let title: String
    let sizes: [(name: String, value: Int)]
    let flags: [(name: String, value: Bool)]
    /// Flags that such a model has and no tensor shows.
    let otherFlags: [(name: String, value: Bool)]
  }

  /// What a key of config.json must hold.
  public struct ConfigurationRule: Sendable {
    let key: String
    let requirement: Requirement
    enum Requirement: Sendable {
      /// Always this value.
      case value(Int)
      /// A dimension, block count or flag; null when it equals `nullWhen`.
      case expression(DimensionExpression, nullWhen: String?)
      /// An array whose sum is this dimension; what to write when there is none.
      case sum(String, initial: [Int])
    }
  }
}

/// A module with weights, as a family's file lists it. Every module of a model refers to its own.
public final class ModuleTemplate: Sendable {
  /// Diffusers path, with `{n}` for the block number.
  public let path: PathTemplate
  /// What kind of module it is.
  public let kind: Kind
  /// Rows of its weight.
  public let outFeatures: DimensionExpression
  /// Columns of its weight; nil for a norm.
  public let inFeatures: DimensionExpression?
  /// What it is for.
  public let role: Role
  /// The flag without which it doesn't exist.
  public let flag: String?

  init(_ entry: JSONValue) {
    path = PathTemplate(entry.text("path"))
    guard let kind = Kind(rawValue: entry.text("kind")),
      let role = Role(rawValue: entry.text("role"))
    else { preconditionFailure("\(path.text): kind or role") }
    self.kind = kind
    self.role = role
    outFeatures = DimensionExpression(entry.text("out"))
    inFeatures = entry["in"]?.string.map(DimensionExpression.init)
    flag = entry["if"]?.string
    precondition((inFeatures == nil) == (kind == .norm), "\(path.text): 'in' is for all but norms")
  }

  /// What a module does with its weights.
  public enum Kind: String, Sendable {
    /// `weight [out, in]` and `bias [out]`: what an adapter can attach to.
    case linear
    /// `weight [out]`.
    case norm
    /// `weight [out, in]`, rows looked up.
    case embedding
  }

  /// What a module is for.
  public enum Role: String, Sendable {
    case input, conditioning, modulation, attention, mlp, norm, output
  }
}
