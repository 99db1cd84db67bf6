internal import Elements
internal import Formats
internal import JSON
internal import Text

/// An architecture of `formats/gguf.json`: a family as GGUF files hold it.
public struct GGUFArchitecture: Sendable, Equatable {
  /// `general.architecture`: `flux`, `qwen_image`.
  public let name: String
  /// The family's short name: `flux1`, `qwen-image`.
  public let family: String
  /// The layout that gives the tensors their names: `bfl`, `diffusers`.
  public let layout: String

  /// Tensors whose names begin so are not quantised.
  let kept: [String]
  /// Tensors that get a better type.
  let raised: [RaisedType]

  /// Every architecture, in the order of the file.
  public static let all: [GGUFArchitecture] =
    EmbeddedFormats.document("gguf").list("architectures").map(GGUFArchitecture.init)

  /// The architecture that a family is written as, or nil.
  public static func of(family: String) -> GGUFArchitecture? {
    all.first { $0.family.sameBytes(as: family) }
  }
}

/// Tensors that get a better type than the others of a file.
struct RaisedType: Sendable, Equatable {
  /// How their names end.
  let ending: String
  /// Only in blocks of a lower number; nil for all.
  let blockLimit: Int?
  /// The type by the preset's name.
  let types: [String: GGUFType]
}

/// A preset of `formats/gguf.json`: how much of a model's precision a file keeps.
public struct GGUFPreset: Sendable, Equatable {
  /// What people type, in lower case: `q8_0`.
  public let name: String
  /// Another name for it.
  public let alias: String?
  /// The type of most weights; nil for that of the source.
  public let type: GGUFType?
  /// `general.file_type`; nil when it follows from the source.
  public let fileType: Int?

  /// Every preset, from the most precise to the smallest.
  public static let all: [GGUFPreset] =
    EmbeddedFormats.document("gguf").list("presets").map(GGUFPreset.init)

  /// The preset of a name, in any case of letters.
  ///
  /// - Throws: ``GGUFError/unknownPreset(name:known:)``.
  public static func named(_ name: String) throws -> GGUFPreset {
    let lowered = name.lowercased()
    let found = all.first {
      $0.name.sameBytes(as: lowered)
        || $0.alias?.utf8.elementsEqual(lowered.utf8) ?? false
    }
    guard let found else { throw GGUFError.unknownPreset(name: name, known: all.map(\.name)) }
    return found
  }
}

extension GGUFFile {
  /// What a number of `general.file_type` stands for, such as `Q4_K_M`; nil for one that isn't known.
  ///
  /// Source: ggml-org/llama.cpp, `include/llama.h`, `enum llama_ftype`.
  public static func fileTypeName(_ number: Int) -> String? {
    EmbeddedFormats.document("gguf")["file_types"]?["\(number)"]?.string
  }
}

/// The numbers of `formats/gguf.json` that hold for every architecture.
enum GGUFRules {
  private static let document = EmbeddedFormats.document("gguf")

  /// Up to so many elements a tensor is never quantised.
  static let smallElementCount = document.count("small_elements")

  /// The type of a tensor whose rows are no whole blocks.
  static let fallback = GGUFType(format: document.text("fallback"))
}

extension GGUFArchitecture {
  fileprivate init(_ json: JSONValue) {
    name = json.text("name")
    family = json.text("family")
    layout = json.text("layout")
    kept = json.texts("kept")
    raised = json.list("raised").map(RaisedType.init)
  }
}

extension RaisedType {
  fileprivate init(_ json: JSONValue) {
    ending = json.text("ends")
    blockLimit = json["blocks"]?.integer
    let types = json.part("types").object?.members ?? []
    self.types = Dictionary(
      types.map { ($0.key, GGUFType(format: $0.value.string ?? "")) },
      uniquingKeysWith: { first, _ in first })
  }
}

extension GGUFPreset {
  fileprivate init(_ json: JSONValue) {
    name = json.text("name")
    alias = json["also"]?.string
    type = json["type"]?.string.map(GGUFType.init(format:))
    fileType = json["file_type"]?.integer
    precondition((type == nil) == (fileType == nil), "formats/gguf.json: preset '\(name)'")
  }
}

extension GGUFType {
  /// The type that a file of ours names.
  fileprivate init(format name: String) {
    guard let type = GGUFType(name: name) else {
      preconditionFailure("formats/gguf.json: '\(name)' is no type")
    }
    self = type
  }
}
