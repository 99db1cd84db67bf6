internal import Checkpoints
internal import Formats
internal import JSON

/// How the keys of a dialect are made for a family.
struct DialectRecipe: Sendable {
  /// The family that it is for; nil for every one.
  let family: String?
  let prefix: String
  let separator: String
  /// The layout whose module names are used.
  let names: String
  /// Endings of the factors.
  let down: String
  let up: String
  /// Whether loaders expect an alpha with every module.
  let needsAlpha: Bool
  /// Whether loaders stand one.
  let allowsAlpha: Bool
  /// Whether loaders read `lora_adapter_metadata`.
  let readsHeader: Bool
  /// How what is added to a module's bias is called; nil where loaders have no place for it.
  let bias: Bias?
  /// Whether loaders put scales of norms in the place of the model's.
  let takesNorms: Bool
  /// Whether its files change every layer and norm of a model.
  let isComplete: Bool
  /// How lengths that a weight has after its change are called; nil where loaders have no place for them.
  let lengths: Lengths?
  /// What stands before the modules of text encoders, by component; none for one without a form.
  let textEncoders: [String: String]
  /// Text encoders that have a form and that loaders pass over all the same.
  let unread: [String]

  /// A tensor that is added to a module's bias.
  struct Bias: Sendable {
    /// What stands behind the module's name.
    let ending: String
    /// Whether it is multiplied by the scale of the module's factors.
    let isScaled: Bool
  }

  /// Lengths that a weight has after its change.
  struct Lengths: Sendable {
    /// What stands behind the module's name.
    let ending: String
    /// Whether they are a matrix, `[rows, 1]` or `[1, columns]`, of any module; otherwise they are a
    /// vector, of rows, and every module of a file has some.
    let isMatrix: Bool
  }

  init(_ entry: JSONValue, suffixes: [AdapterDialects.SuffixPair]) {
    let suffix = entry.text("suffix")
    guard let pair = suffixes.first(where: { $0.name == suffix }) else {
      preconditionFailure("no suffixes '\(suffix)'")
    }
    family = entry["family"]?.string
    prefix = entry.text("prefix")
    separator = entry["separator"]?.string ?? "."
    names = entry.text("names")
    down = pair.down.head
    up = pair.up.head
    needsAlpha = entry["alpha"]?.bool ?? false
    allowsAlpha = entry["alpha"]?.bool ?? true
    readsHeader = entry["header"]?.bool ?? false
    bias = entry["bias"].map {
      Bias(ending: $0.text("ending"), isScaled: $0["scaled"]?.bool ?? false)
    }
    takesNorms = entry["norms"]?.bool ?? false
    isComplete = entry["complete"]?.bool ?? false
    lengths = entry["lengths"].map {
      Lengths(ending: $0.text("ending"), isMatrix: $0["matrix"]?.bool ?? false)
    }
    var prefixes: [String: String] = [:]
    for member in entry.members("text_encoders") { prefixes[member.key] = member.value.string }
    textEncoders = prefixes
    unread = entry.texts("unread")
  }

  /// What stands before the modules of a component; nil when the dialect has no form for them.
  func prefix(of component: String) -> String? {
    component == AdapterFile.transformer ? prefix : textEncoders[component]
  }

  /// A module's name in a file, without ending.
  func stem(_ path: String) -> String { stem(path, prefix: prefix) }

  /// The name of a module of any component.
  func stem(_ path: String, prefix: String) -> String {
    prefix + (separator == "." ? path : String(path.map { $0 == "." ? "_" : $0 }))
  }

  /// Names of the dialects that can be written.
  static var writable: [String] {
    AdapterDialects.shared.dialects.filter { !$0.recipes.isEmpty }.map(\.name)
  }

  /// Names of those whose files may change any part of a model.
  static var writableForAny: [String] {
    AdapterDialects.shared.dialects.filter { dialect in
      dialect.recipes.contains { !$0.isComplete }
    }.map(\.name)
  }

  /// Names of the dialects that can be written for a family.
  private static func writable(for family: ModelFamily) -> [String] {
    AdapterDialects.shared.dialects.filter { dialect in
      dialect.recipes.contains { $0.family == nil || $0.family == family.name }
    }.map(\.name)
  }

  /// The recipe of a dialect for a family; an error that says which there are.
  ///
  /// - Parameters:
  ///   - name: of the dialect.
  ///   - family: what the adapter is for; nil where its modules don't tell.
  ///   - candidates: the families that have all of its modules.
  /// - Returns: the recipe.
  /// - Throws: ``AdapterWritingFault`` for a dialect that isn't written, or not for the family, and where the
  ///   candidates' names in it differ.
  static func named(
    _ name: String, family: ModelFamily?,
    candidates: @autoclosure () -> [ModelFamily] = ModelFamily.all
  ) throws(AdapterWritingFault) -> DialectRecipe {
    let recipes = AdapterDialects.shared.dialects.first { $0.name == name }?.recipes ?? []
    guard !recipes.isEmpty else {
      throw AdapterWritingFault(
        detail: "dialect '\(name)' can't be written, expected one of "
          + writable.joined(separator: ", "))
    }
    if let recipe = recipes.first(where: { $0.family == nil || $0.family == family?.name }) {
      return recipe
    }
    guard let family else {
      let list = candidates()
      throw AdapterWritingFault(
        detail:
          "dialect '\(name)' has other names for each family, and the adapter's modules are those of "
          + list.map(\.title).joined(separator: " and of ") + "; say what it is for: "
          + list.map { "--family \($0.name)" }.joined(separator: " or "))
    }
    throw AdapterWritingFault(
      detail: "dialect '\(name)' is not used for \(family.title), expected one of "
        + writable(for: family).joined(separator: ", "))
  }
}
