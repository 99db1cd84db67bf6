internal import Checkpoints
internal import Formats
internal import JSON
internal import Text

/// How adapters name their keys, from `formats/adapter-dialects.json`.
final class AdapterDialects: Sendable {
  static let shared = AdapterDialects()

  /// Endings of the two factors.
  let suffixes: [SuffixPair]
  /// Those that say by themselves that a key is a LoRA's.
  let certainEndings: [[UInt8]]
  /// Endings of a module's alpha.
  let alphas: [String]
  /// Methods that are not plain LoRA, and how their keys are known.
  let methods: AdapterMethods
  /// The modules of text encoders that adapters change.
  let textEncoders: [TextEncoder]
  /// What may stand before a module's path.
  let prefixes: [Prefix]
  /// What wrappers leave in paths, beyond what they leave in the names of checkpoints.
  let wrappers: [Wrapper]
  /// Module paths that only adapters use.
  let names: [(name: String, family: String, rules: [Layout.Rule])]
  /// Names of dialects; the first that fits a key names it.
  let dialects: [Dialect]
  private let stems = NameMemo<StemParts>()

  struct SuffixPair: Sendable {
    let name: String
    let down: Ending
    let up: Ending
  }

  /// An ending of a key, where `{adapter}` stands for any text.
  struct Ending: Sendable {
    let head: String
    let tail: String?

    init(_ text: String) {
      (head, tail) = text.parts(around: "{adapter}")
    }

    /// What stands before the ending, or nil when a key doesn't end so.
    func stem(of key: String) -> String? {
      guard let tail else {
        guard key.utf8HasSuffix(head), key.utf8.count > head.utf8.count else { return nil }
        return String(key.utf8.dropLast(head.utf8.count))
      }
      guard key.utf8HasSuffix(tail), let start = key.utf8Offset(of: head) else { return nil }
      let adapterEnd = key.utf8.count - tail.utf8.count
      return start > 0 && start + head.utf8.count < adapterEnd
        ? String(key.utf8.prefix(start)) : nil
    }
  }

  struct TextEncoder: Sendable {
    /// The pipeline's component: `text_encoder`, `text_encoder_2`.
    let component: String
    let family: String
    /// Name for people.
    let title: String
    /// The modules that adapters change, by transformers' names.
    let modules: [(path: PathTemplate, kind: ModuleTemplate.Kind)]
    /// Beginnings of paths that other versions of transformers use, and what they stand for.
    let aliases: [(head: String, canonical: String)]
  }

  struct Prefix: Sendable {
    let text: String
    /// What stands between the parts of a module's path: `.` or `_`.
    let separator: String
    /// The pipeline's component; the transformer unless it says otherwise.
    let component: String
    /// The wrapper that leaves it; nil for one that says something.
    let wrapper: String?
  }

  struct Wrapper: Sendable {
    /// Name for people: `base_layer`.
    let name: String
    /// What it leaves.
    let text: String
    /// The separator of the paths that have it.
    let separator: String
    /// Whether it is only meant at the end of a path.
    let isEnding: Bool
  }

  struct Dialect: Sendable {
    let name: String
    let title: String
    let prefixes: [String]?
    let suffixes: [String]?
    let names: [String]?
    /// How its keys are made; none for a dialect that is only read.
    let recipes: [DialectRecipe]
  }

  private init() {
    let document = EmbeddedFormats.document("adapter-dialects")
    let suffixes = document.list("suffixes").map {
      SuffixPair(
        name: $0.text("name"), down: Ending($0.text("down")), up: Ending($0.text("up")))
    }
    self.suffixes = suffixes
    certainEndings = suffixes.flatMap { [$0.down, $0.up] }
      .filter { $0.tail == nil && $0.head.utf8Offset(of: "lora") != nil }
      .map { Array($0.head.utf8) }
    alphas = document.texts("alphas")
    methods = AdapterMethods(document.list("methods").map(AdapterMethod.init))
    textEncoders = document.list("text_encoders").map {
      TextEncoder(
        component: $0.text("component"), family: $0.text("family"), title: $0.text("title"),
        modules: Self.modules(of: $0),
        aliases: $0.list("also").map { ($0.text("head"), $0.text("for")) })
    }
    prefixes = document.list("prefixes").map {
      Prefix(
        text: $0.text("prefix"), separator: $0["separator"]?.string ?? ".",
        component: $0["component"]?.string ?? "transformer", wrapper: $0["wrapper"]?.string)
    }
    wrappers = document.list("wrappers").map {
      Wrapper(
        name: $0.text("name"), text: $0.text("text"), separator: $0["separator"]?.string ?? ".",
        isEnding: $0["ending"]?.bool ?? false)
    }
    names = document.list("names").map { entry in
      guard let family = ModelFamily.named(entry.text("family")) else {
        preconditionFailure("adapter names of an unknown family")
      }
      return (
        entry.text("name"), family.name,
        entry.list("rules").map { Layout.Rule($0, modules: family.modules) }
      )
    }
    dialects = document.list("dialects").map {
      Dialect(
        name: $0.text("name"), title: $0.text("title"),
        prefixes: $0["prefixes"] == nil ? nil : $0.texts("prefixes"),
        suffixes: $0["suffixes"] == nil ? nil : $0.texts("suffixes"),
        names: $0["names"] == nil ? nil : $0.texts("names"),
        recipes: $0.list("write").map { DialectRecipe($0, suffixes: suffixes) })
    }
  }

  /// The modules of a text encoder, by their kinds.
  private static func modules(
    of encoder: JSONValue
  ) -> [(path: PathTemplate, kind: ModuleTemplate.Kind)] {
    let kinds = [
      ("modules", ModuleTemplate.Kind.linear), ("tables", .embedding), ("norms", .norm),
    ]
    return kinds.flatMap { key, kind in
      encoder.texts(key).map { (PathTemplate($0), kind) }
    }
  }

  /// A module's name taken apart.
  func split(stem: String) -> StemParts { stems.value(of: stem, parts) }

  /// The dialect of a module that has this prefix, pair of endings and naming of modules.
  func dialect(prefix: String, suffix: String, names: String?) -> Dialect? {
    dialects.first { dialect in
      dialect.prefixes?.contains(prefix) != false && dialect.suffixes?.contains(suffix) != false
        && (dialect.names.map { wanted in names.map(wanted.contains) ?? false } ?? true)
    }
  }
}

extension String {
  /// A string of these bytes, which were cut from a valid one between characters of ASCII.
  init(_ bytes: Substring.UTF8View) { self.init(Substring(bytes)) }
}
