internal import Checkpoints
internal import Formats
internal import JSON

/// Where adapters say what their scale is, from `formats/adapter-scales.json`.
struct StatedScales: Sendable {
  static let shared = StatedScales()

  /// The file in which PEFT describes an adapter.
  let configurationName: String
  /// The names of the files that it describes.
  let describedNames: [String]
  /// Keys of a header, after a component or alone, that give alpha.
  let alphas: [String]
  /// Keys that give the rank that such an alpha belongs to.
  let ranks: [String]
  /// The alpha that converters copy although the scale is in the factors.
  let copied: Copied
  /// Ways to begin whose first factors are taken out of the base.
  let otherBases: [OtherBase]
  /// Ways to begin that leave the base alone.
  let ownBases: [String]

  struct Copied: Sendable {
    let alpha: String
    let rank: String
    let prefixes: [String]
    let suffix: String

    /// Whether a module has the names of the trainer that wrote the key, so that no converter has
    /// been at it.
    func belongs(to entry: AdapterFile.Entry) -> Bool {
      entry.suffix == suffix && prefixes.contains(entry.fileName.prefix.text)
    }
  }

  struct OtherBase: Sendable {
    let title: String
    /// What `init_lora_weights` begins with.
    let start: String?
    /// A field that says so where it holds something.
    let field: String?
    /// What `init_lora_weights` is, in small letters, where the base alone gives the first factors again, and
    /// which they are; nil where it never does.
    let foundAgain: (value: String, factors: BaseFactors)?
  }

  private init() {
    let document = EmbeddedFormats.document("adapter-scales")
    guard let configuration = document["configuration"], let copied = document["copied"] else {
      preconditionFailure("adapter-scales.json: configuration and copied")
    }
    configurationName = configuration.text("file")
    describedNames = configuration.texts("describes")
    alphas = document.texts("alphas")
    ranks = document.texts("ranks")
    self.copied = Copied(
      alpha: copied.text("alpha"), rank: copied.text("rank"), prefixes: copied.texts("prefixes"),
      suffix: copied.text("suffix"))
    otherBases = document.list("other_bases").map { base in
      OtherBase(
        title: base.text("title"), start: base["begins"]?.string, field: base["field"]?.string,
        foundAgain: base["found_again"].map { entry in
          guard let factors = BaseFactors(rawValue: entry.text("by")) else {
            preconditionFailure("adapter-scales.json: found_again")
          }
          return (entry.text("when"), factors)
        })
    }
    ownBases = document.texts("own_bases")
  }
}
