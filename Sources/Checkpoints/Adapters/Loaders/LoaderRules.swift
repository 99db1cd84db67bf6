internal import Checkpoints
internal import Formats
internal import JSON

/// What a program that loads adapters does with their keys, from `formats/loaders.json`.
public struct LoaderRules: Sendable {
  /// Short name: `diffusers`, `comfyui`, `kohya`.
  public let name: String
  /// Name for people, with the version that the rules are about.
  public let title: String
  /// Rules for modules; the first that fits decides.
  let rules: [Rule]
  /// What happens to keys of methods that aren't plain LoRA; the first that fits decides.
  let methods: [MethodRule]
  /// What `lora_adapter_metadata` must be like for it; nil when it doesn't read that.
  let header: LoaderHeaderRule?
  /// The dialect that is made for it.
  let dialect: String

  /// All loaders.
  public static let all: [LoaderRules] = {
    let all = EmbeddedFormats.document("loaders").list("loaders").map { LoaderRules($0) }
    precondition(all.map(\.name) == names, "formats/loaders.json has the loaders \(names)")
    return all
  }()

  /// Their names. Said here as well, for every start of a program that has the option lists them.
  public static let names = ["diffusers", "comfyui", "kohya"]

  /// The loader of a name, or nil.
  public static func named(_ name: String) -> LoaderRules? { all.first { $0.name == name } }

  enum Outcome: String, Sendable {
    /// It is applied.
    case loads
    /// It is left out; the rest is applied.
    case ignores
    /// Loading fails.
    case refuses
  }

  /// What happens to a module that fits.
  struct Rule: Sendable {
    let outcome: Outcome
    /// Why it isn't applied.
    let why: String
    /// What to know when it is applied.
    let note: String?
    /// What to know when it is applied to a model of other widths than the published ones.
    let narrowNote: String?
    let readsAlpha: Bool
    let readsHeader: Bool
    fileprivate let family: String?
    fileprivate let prefixes: [String]?
    fileprivate let suffixes: [String]?
    fileprivate let names: [String]?
    fileprivate let roles: [String]?
    fileprivate let firstSuffixes: [String]?
    fileprivate let isInBlock: Bool?
    fileprivate let hasAlpha: Bool?
    fileprivate let hasAnyAlpha: Bool?
    fileprivate let hasHeader: Bool?
  }

  /// What a rule can ask about.
  struct Facts: Sendable {
    let family: ModelFamily?
    let hasAnyAlpha: Bool
    let hasHeader: Bool
    /// Whether the file has no plain LoRA at all.
    let hasOnlyMethods: Bool
    /// The endings of the first key of the transformer.
    let firstSuffix: String
  }

  /// The rule for a module; nil when the table has none.
  func rule(for entry: AdapterFile.Entry, _ facts: Facts) -> Rule? {
    rules.first { $0.fits(entry, facts) }
  }
}

extension LoaderRules.Rule {
  fileprivate init(_ entry: JSONValue) {
    func texts(_ key: String) -> [String]? { entry[key] == nil ? nil : entry.texts(key) }
    guard let outcome = LoaderRules.Outcome(rawValue: entry.text("then")) else {
      preconditionFailure("loaders.json: then")
    }
    self.outcome = outcome
    why = entry["why"]?.string ?? ""
    note = entry["note"]?.string
    narrowNote = entry["note_for_other_widths"]?.string
    readsAlpha = entry.texts("scale").contains("alpha")
    readsHeader = entry.texts("scale").contains("header")
    family = entry["family"]?.string
    prefixes = texts("prefixes")
    suffixes = texts("suffixes")
    names = texts("names")
    roles = texts("roles")
    firstSuffixes = texts("first_suffixes")
    isInBlock = entry["in_block"]?.bool
    hasAlpha = entry["alpha"]?.bool
    hasAnyAlpha = entry["any_alpha"]?.bool
    hasHeader = entry["header"]?.bool
  }

  fileprivate func fits(_ entry: AdapterFile.Entry, _ facts: LoaderRules.Facts) -> Bool {
    let module = entry.meaning.map { $0.family.modules[$0.modules[0]] }
    let prefix = entry.fileName.prefix.text
    func allows(_ list: [String]?, _ text: String?) -> Bool {
      list.map { list in text.map(list.contains) ?? false } ?? true
    }
    func agrees(_ wanted: Bool?, _ found: Bool) -> Bool { wanted.map { $0 == found } ?? true }
    return (family == nil || family == (facts.family ?? entry.meaning?.family)?.name)
      && allows(prefixes, prefix) && allows(suffixes, entry.suffix)
      && allows(names, entry.meaning?.names) && allows(roles, module?.role.rawValue)
      && allows(firstSuffixes, facts.firstSuffix)
      && agrees(isInBlock, module?.path.isInBlock ?? true)
      && agrees(hasAlpha, entry.alpha != nil) && agrees(hasAnyAlpha, facts.hasAnyAlpha)
      && agrees(hasHeader, facts.hasHeader)
  }
}

extension LoaderRules {
  private init(_ entry: JSONValue) {
    name = entry.text("name")
    title = entry.text("title")
    rules = entry.list("rules").map(Rule.init)
    methods = entry.list("methods").map(MethodRule.init)
    header = entry["header"].map(LoaderHeaderRule.init)
    dialect = entry.text("dialect")
  }
}
