internal import Checkpoints
internal import Formats
internal import JSON

/// The models that adapters are made for, those that aren't read here included, from
/// `formats/adapter-families.json`.
struct AdaptedModels: Sendable {
  static let shared = AdaptedModels()

  /// Keys of metadata whose purpose is to say which model an adapter is for.
  let declaredKeys: [String]
  /// Keys that give the name of a file, which people choose.
  let mentionedKeys: [String]
  /// The models, those that aren't read first.
  let models: [Model]

  struct Model: Sendable {
    /// Name for people: `FLUX.2`.
    let title: String
    /// The family that it is; nil for one that isn't read.
    let family: String?
    /// What groups a model with others whose adapters have the same names.
    let kind: String?
    /// What a word of a statement begins with that means it, in small letters without separators.
    let words: [String]
    /// Whole words that mean it.
    let wholeWords: [String]
    /// What a statement is that means it.
    let exact: [String]
    /// Module names that no family that is read has.
    let names: [FlatPattern]
    /// Module names that a family that is read has, too.
    let shared: [FlatPattern]
    /// Widths of its published models, where all module names are those.
    let widths: [Int]
    /// Shapes of modules that have the same names in a family that is read.
    let shapes: [(path: FlatPattern, shape: ModuleShape)]
    /// What adapters of its text encoders alone show.
    let textEncoders: [TextEncoderMark]
  }

  /// What is there in a model's text encoders and in none of a family that is read.
  struct TextEncoderMark: Sendable {
    /// Whole names in files.
    let names: [FlatPattern]
    /// Paths of modules, as transformers calls them, whose weights have some count of ``columns``.
    let paths: [FlatPattern]
    let columns: [Int]

    fileprivate func fits(name: String, path: String, columns found: Int?) -> Bool {
      if names.contains(where: { $0.matches(name) }) { return true }
      guard let found, columns.contains(found) else { return false }
      return paths.contains { $0.matches(path) }
    }
  }

  /// The model that modules of text encoders alone are of, with the name of one that shows it; nil where they
  /// may be a family's that is read.
  func model(
    ofTextEncoders modules: [AdapterFile.Entry]
  ) -> (title: String, name: String)? {
    if modules.isEmpty { return nil }
    let known = modules.map { entry in
      (
        name: entry.name, path: entry.meaningInTextEncoder?.path ?? entry.fileName.path,
        columns: entry.changedShape?.columns
      )
    }
    for model in models where !model.textEncoders.isEmpty {
      let found = known.first { module in
        model.textEncoders.contains {
          $0.fits(name: module.name, path: module.path, columns: module.columns)
        }
      }
      if let found { return (model.title, found.name) }
    }
    return nil
  }

  private init() {
    let document = EmbeddedFormats.document("adapter-families")
    declaredKeys = document["statements"]?.texts("declared") ?? []
    mentionedKeys = document["statements"]?.texts("mentioned") ?? []
    models = document.list("models").map { entry in
      Model(
        title: entry.text("title"), family: entry["family"]?.string, kind: entry["kind"]?.string,
        words: entry.texts("words"), wholeWords: entry.texts("whole"), exact: entry.texts("exact"),
        names: entry.texts("names").map(FlatPattern.init),
        shared: entry.texts("shared").map(FlatPattern.init),
        widths: (entry["widths"]?.array ?? []).compactMap { $0.integer.map { Int($0) } },
        shapes: entry.list("shapes").map {
          (
            FlatPattern($0.text("path")),
            ModuleShape(
              out: DimensionExpression($0.text("out")), in: DimensionExpression($0.text("in")))
          )
        },
        textEncoders: entry.list("text_encoders").map {
          TextEncoderMark(
            names: $0.texts("names").map(FlatPattern.init),
            paths: $0.texts("paths").map(FlatPattern.init),
            columns: ($0["columns"]?.array ?? []).compactMap { $0.integer.map { Int($0) } })
        })
    }
  }

  /// The model that a text means; nil for one that isn't known.
  func model(statedBy text: String) -> Model? {
    for part in StatedText.parts(of: text) {
      let found = models.first { model in
        model.exact.contains(where: part.isExactly)
          || model.words.contains { part.contains($0) }
          || model.wholeWords.contains { part.contains($0, isWhole: true) }
      }
      if let found { return found }
    }
    return nil
  }
}

/// A module's name with dots as underscores, where `#` stands for a number and a `*` at the end for
/// whatever follows.
struct FlatPattern: Sendable {
  private let parts: [[UInt8]]
  private let isOpen: Bool

  init(_ text: String) {
    isOpen = text.utf8.last == UInt8(ascii: "*")
    parts = (isOpen ? String(text.dropLast()) : text)
      .split(separator: "#", omittingEmptySubsequences: false).map { Array($0.utf8) }
  }

  /// Whether this is the pattern of a path, dotted or underscored.
  func matches(_ path: String) -> Bool {
    var rest = path.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }[...]
    for (number, part) in parts.enumerated() {
      if number > 0 {
        let digits = rest.prefix { $0.isDigit }
        guard !digits.isEmpty else { return false }
        rest = rest.dropFirst(digits.count)
      }
      guard rest.starts(with: part) else { return false }
      rest = rest.dropFirst(part.count)
    }
    return isOpen || rest.isEmpty
  }
}

/// The shape of a weight as multiples of a model's width.
struct ModuleShape: Sendable {
  let out: DimensionExpression
  let `in`: DimensionExpression

  /// Whether a weight has this shape, for some width.
  func fits(out rows: Int, in columns: Int) -> Bool {
    [rows, columns].contains { width in
      out.value { _ in width } == rows && `in`.value { _ in width } == columns
    }
  }
}
