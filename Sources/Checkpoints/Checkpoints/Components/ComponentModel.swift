internal import JSON

/// A VAE or a text encoder as its file in `formats/` describes it: which tensors it has, what their shapes
/// are made of, and what they are called in each layout.
///
/// A component is made of parts: modules, or groups of modules that occur several times, such as a residual
/// block. Where a part stands, its numbers are expressions, so that layouts may count in other ways: from the
/// other end, or through all levels.
public struct ComponentModel: Sendable {
  /// Short name: `autoencoder-kl`.
  public let name: String
  /// `vae` or `text-encoder`.
  public let kind: String
  /// Name for people.
  public let title: String
  /// The classes of diffusers or transformers that it is loaded as, the usual one first.
  public let classes: [String]
  /// Counts that names tell, such as that of the levels.
  let numbers: [NumberSource]
  /// Sizes that are the same everywhere; others are a part's own.
  let sizes: [String]
  /// What it is made of, in the order of its tensors.
  let parts: [Part]
  /// Tensors that some files have besides: parts of a larger model, buffers. One that ends in a dot stands for all
  /// whose names begin so.
  let ignored: [String]
  /// Naming schemes; the first is the canonical one.
  public let layouts: [Layout]
  /// What each layout calls the parts, in the order of ``layouts``.
  let namings: [Naming]
  /// Keys of config.json, with dots between levels, and what they must equal.
  let checks: [(key: String, expression: DimensionExpression)]
  /// Published models, told by their sizes, and their config.json.
  let published: [Published]

  /// Whether programs read codes of its matrices.
  package var hasMatrices: Bool { kind == "text-encoder" }

  /// A number that names tell.
  struct NumberSource: Sendable {
    let name: String
    /// Names with the number left out, from any layout: what stands before and after. One that ends in a dot
    /// stands for every name that begins so.
    let patterns: [(head: String, tail: String)]
    /// Whether it is the smallest number that occurs instead of how many do.
    let isFirst: Bool
    let added: Int
    /// What a file lacks in which no name tells the number, for people: it is 0 then. Nil where it must be told.
    let lacking: String?
    /// Whether nothing is computed without that.
    let isComputedWith: Bool
  }

  /// A module, or a group of modules, once or for several numbers.
  struct Part: Sendable {
    let path: NumberedPath
    /// The variables in the path, and how far each counts from 0.
    let loops: [(variable: String, count: DimensionExpression)]
    let modules: [Module]
    var isInBlock: Bool { !loops.isEmpty }
  }

  /// A module with weights.
  struct Module: Sendable {
    /// Path inside its part; empty for the part itself.
    let path: String
    let kind: Kind
    let shape: [DimensionExpression]
    /// Whether it may be absent.
    let isOptional: Bool
    /// It is there only where these two sizes differ.
    let unlessEqual: [String]
    /// It is there only where this number isn't 0.
    let needed: String?

    /// Which tensors a module has; its `shape` is that of the first.
    enum Kind: String, Sendable {
      /// `weight [out, in, …]` and `bias [out]`.
      case conv
      /// A convolution without bias.
      case kernel
      /// `weight [out, in]` and `bias [out]`.
      case linear
      /// A linear module without bias.
      case matrix
      /// `weight [rows, columns]`, rows looked up or numbers that no product takes.
      case table
      /// `weight [c]` and `bias [c]`.
      case norm
      /// `weight [c]`.
      case scale
      /// `gamma [c, 1, …]`.
      case gamma

      /// Names of the tensors, and how many axes each has of the shape; nil for all.
      var parameters: [(name: String, axes: Int?)] {
        switch self {
        case .conv, .linear, .norm: [("weight", nil), ("bias", 1)]
        case .kernel, .matrix, .table, .scale: [("weight", nil)]
        case .gamma: [("gamma", nil)]
        }
      }

      /// Whether it is a matrix that multiplies.
      var isLinear: Bool { self == .linear || self == .matrix }
    }
  }

  /// What a layout calls the parts.
  struct Naming: Sendable {
    let parts: [PartName]

    struct PartName: Sendable {
      let path: NumberedPath
      /// Paths that are read besides.
      let others: [NumberedPath]
      /// What each module is called, and how many axes of length one its weight has at the end.
      let modules: [(name: String, ones: Int)]
    }
  }

  /// A model that is known by its sizes.
  struct Published: Sendable {
    /// Whose it is, for people.
    let owner: String
    let sizes: [(name: String, value: Int)]
    /// Parts that it doesn't have.
    let absent: [String]
    let configuration: JSONObject
  }
}
