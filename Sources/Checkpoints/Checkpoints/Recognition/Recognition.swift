internal import Formats
internal import JSON

/// What helps to recognise files beyond the families: wrappers, prefixes, components, look-alikes and what
/// tells of quantised storage, from `formats/recognition.json`.
struct Recognition: Sendable {
  static let shared = Recognition()

  /// Segments of names that wrappers of a model leave.
  let wrappers: [Wrapper]
  /// Segments that PEFT puts between a module and the weights that it had before.
  let attached: [String]
  /// What may stand before every name of a transformer.
  let prefixes: [String]
  /// What stands before the names of components in an all-in-one file.
  let bundled: [(prefix: String, component: String)]
  /// Other architectures, refused by name.
  let lookAlikes: [LookAlike]
  /// What tells of quantised weights, whatever their form is.
  let storageWords: StorageWords
  /// What GGUF files say in their header that they are, the most specific first.
  let ggufModels: [GGUFModel]

  struct Wrapper: Sendable {
    /// Without the dots around it.
    let segment: String
    /// Whose it is.
    let owner: String
    /// Whether it means nothing only before all else of a name.
    let isLeading: Bool
  }

  /// An architecture that is refused by name.
  struct LookAlike: Sendable {
    let title: String
    let signatures: [[String]]
    /// The columns that the first tensor of the signature may have; empty for any.
    let columns: [Int]
    /// Where its layers are, in any of its layouts.
    let layers: [String]
  }

  private init() {
    let document = EmbeddedFormats.document("recognition")
    wrappers = document.list("wrappers").map {
      Wrapper(
        segment: $0.text("segment"), owner: $0.text("of"), isLeading: $0["at"]?.string == "start")
    }
    attached = document.texts("attached")
    prefixes = document.texts("prefixes")
    bundled = document.list("bundled").map { ($0.text("prefix"), $0.text("component")) }
    lookAlikes = document.list("look_alikes").map {
      LookAlike(
        title: $0.text("title"), signatures: $0.signatures,
        columns: ($0["columns"]?.array ?? []).compactMap(\.integer),
        layers: ($0["layers"]?.array ?? []).compactMap(\.string))
    }
    storageWords = StorageWords(document)
    ggufModels = document.list("gguf_architectures").map(GGUFModel.init)
  }
}
