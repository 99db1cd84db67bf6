public import Elements
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
  public static let all: [GGUFArchitecture] = decode("architectures", GGUFArchitecture.init)

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
  public static let all: [GGUFPreset] = decode("presets", GGUFPreset.init)

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
  static let smallElementCount: Int = {
    guard let count = document["small_elements"]?.integer else { malformed("small_elements") }
    return count
  }()

  /// The type of a tensor whose rows are no whole blocks.
  static let fallback: GGUFType = {
    guard let type = document["fallback"]?.string.flatMap(GGUFType.init(name:)) else {
      malformed("fallback")
    }
    return type
  }()
}

extension GGUFArchitecture {
  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.string, let family = json["family"]?.string,
      let layout = json["layout"]?.string, let kept = json["kept"]?.array,
      let raised = json["raised"]?.array
    else { return nil }
    self.name = name
    self.family = family
    self.layout = layout
    self.kept = kept.compactMap(\.string)
    self.raised = raised.compactMap(RaisedType.init)
    guard self.kept.count == kept.count, self.raised.count == raised.count else { return nil }
  }
}

extension RaisedType {
  fileprivate init?(_ json: JSONValue) {
    guard let ending = json["ends"]?.string, let members = json["types"]?.object?.members else {
      return nil
    }
    self.ending = ending
    blockLimit = json["blocks"]?.integer
    var types: [String: GGUFType] = [:]
    for member in members {
      guard let type = member.value.string.flatMap(GGUFType.init(name:)) else { return nil }
      types[member.key] = type
    }
    self.types = types
  }
}

extension GGUFPreset {
  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.string else { return nil }
    self.name = name
    alias = json["also"]?.string
    type = json["type"]?.string.flatMap(GGUFType.init(name:))
    fileType = json["file_type"]?.integer
    guard (type == nil) == (json["type"] == nil), (type == nil) == (fileType == nil) else {
      return nil
    }
  }
}

/// The entries of a list in `formats/gguf.json`.
private func decode<Entry>(_ key: String, _ make: (JSONValue) -> Entry?) -> [Entry] {
  (EmbeddedFormats.document("gguf")[key]?.array ?? []).map { json in
    guard let entry = make(json) else { malformed(key) }
    return entry
  }
}

private func malformed(_ key: String) -> Never {
  preconditionFailure("formats/gguf.json: \(key) is malformed")
}
