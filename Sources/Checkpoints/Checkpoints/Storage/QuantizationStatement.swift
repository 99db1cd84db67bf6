internal import Formats
internal import JSON
internal import Tensors
internal import Text

/// What is known of a program that config.json may name as the one that quantised the weights.
struct QuantizationMethod: Sendable {
  let name: String
  /// The forms in which it stores weights.
  let forms: [String]
  /// What it must say so that these forms are all there is to the numbers: one of the values by each key,
  /// where null stands for nothing as well.
  let requirements: [(key: String, values: [JSONValue])]
  /// Keys whose values are others for layers that an object of lists names, and that object's key.
  let exceptions: [String: String]
  /// Where groups of layers have values of their own: the key of the groups, and that inside one; nil for no groups.
  let groups: (key: String, inner: String)?
  /// All keys on which numbers depend.
  let keys: [String]

  init(_ entry: JSONValue) {
    name = entry.text("name")
    forms = entry.texts("storages")
    requirements = entry.members("requires").map { ($0.key, $0.value.array ?? []) }
    exceptions = Dictionary(
      uniqueKeysWithValues: entry.members("layers").map { ($0.key, $0.value.string ?? "") })
    groups = entry["groups"].map { ($0.text("key"), $0.text("of")) }
    keys =
      requirements.map(\.key) + exceptions.flatMap { [$0.key, $0.value] } + entry.texts("also")
  }
}

/// What config.json says of how weights are quantised, or quantization_config.json beside it, as SDNQ writes it.
///
/// **Source:** SDNQ 0.2.8, `sdnq/utils.py`, `check_param_name_in` and `get_minimum_dtype` (layers that are
/// exceptions), `sdnq/loader.py`, `save_sdnq_model` (the file beside it);
/// vllm-project/compressed-tensors 0.20.1, `quantization/quant_config.py` (`transform_config`);
/// huggingface/transformers 5.24, `utils/quantization_config.py`.
struct QuantizationStatement: Sendable {
  /// The key of config.json.
  let key: String
  /// Where it is said, for people.
  let place: String
  /// The program that it names; empty where it names none.
  let method: String
  private let json: JSONValue
  private let known: QuantizationMethod?
  /// What the file beside config.json says otherwise; nil where they agree, or one is all there is.
  private let difference: String?

  /// Nil where nothing is said.
  init?(_ configuration: Configuration?) {
    guard let configuration else { return nil }
    let beside = configuration.quantizationBeside
    if let key = configuration.quantizationKeys.first, let own = configuration.json[key] {
      (self.key, json, place) = (key, own, "config.json's \(key)")
    } else if let beside {
      (key, json, place) = ("quant_method", beside, Configuration.quantizationFileName)
    } else {
      return nil
    }
    let (json, method) = (json, json["quant_method"]?.string ?? "")
    self.method = method
    let known = Recognition.shared.storageWords.methods.first { $0.name == method }
    self.known = known
    let other = (["quant_method"] + (known?.keys ?? [])).first { key in
      beside.map { ($0[key] ?? .null).text() != (json[key] ?? .null).text() } ?? false
    }
    difference = other.map { key in
      "config.json says '\(key)': \((json[key] ?? .null).text()), "
        + "\(Configuration.quantizationFileName) \((beside?[key] ?? .null).text())"
    }
  }

  /// What is said of groups of layers; nil where nothing is.
  var groups: QuantizationGroups? {
    guard let (key, inner) = known?.groups, let groups = json[key]?.object else { return nil }
    return QuantizationGroups(
      groups.members.map { ($0.value[inner] ?? .null, $0.value.texts("targets")) })
  }

  /// Whether it allows to read a form: it names a program that stores weights so.
  func allows(_ form: StoredForm) -> Bool { known?.forms.contains(form.name) ?? false }

  /// What it says that keeps numbers from being read; nil where it says nothing such.
  var obstacle: String? {
    if let difference { return difference }
    for (name, values) in known?.requirements ?? [] {
      let said = json[name] ?? .null
      if !values.contains(said) {
        return "\(place) says '\(name)': \(said.text())"
      }
    }
    return nil
  }

  /// What it says of a layer by a key; nil for nothing.
  func value(_ name: String, ofLayer path: String) -> JSONValue? {
    if let list = known?.exceptions[name], let exceptions = json[list]?.object {
      let parameter = StoredGroup.parameter(ofLayer: path)
      for member in exceptions.members {
        let patterns = member.value.array?.compactMap(\.string) ?? [member.value.string ?? ""]
        guard let pattern = patterns.first(where: { Self.names($0, parameter) }) else { continue }
        // What may name the layer, or not, leaves nothing certain.
        if pattern.utf8.contains(UInt8(ascii: "*")) { return .null }
        guard let (bits, type) = Self.least(member.key) else {
          return .string(member.key.lowercased())
        }
        let own = json[name]?.string.flatMap(Self.bits)
        guard let own else { return .null }
        if own < bits { return .string(type) }
      }
    }
    return json[name]
  }

  /// Whether a list of patterns names a layer; nil where one may or may not.
  func lists(_ path: String, in key: String) -> Bool? {
    let parameter = StoredGroup.parameter(ofLayer: path)
    let found = (json[key]?.array ?? []).compactMap(\.string).first { Self.names($0, parameter) }
    return found?.utf8.contains(UInt8(ascii: "*")) == true ? nil : found != nil
  }

  /// How many bits a type's name tells: `float8_e4m3fn` has 8.
  static func bits(_ type: String) -> Int? {
    Int(type.drop { !("0"..."9").contains($0) }.prefix { ("0"..."9").contains($0) })
  }

  /// What a name such as `minimum_6bit` asks for: at least so many bits, or else this type. Nil for a type's name.
  private static func least(_ name: String) -> (bits: Int, type: String)? {
    let name = name.lowercased()
    guard name.hasPrefix("minimum") || name.hasSuffix("bit") || name.hasSuffix("bits"),
      let bits = bits(name)
    else { return nil }
    return (bits, (name.contains("uint") || bits <= 4 ? "uint" : "int") + "\(bits)")
  }

  /// Whether a pattern names a parameter: it is its name, a part of that between dots, or with a dot at its
  /// beginning what that begins with. One with a `*` may name any.
  private static func names(_ pattern: String, _ parameter: String) -> Bool {
    if pattern.utf8HasPrefix(".") {
      return parameter.utf8HasPrefix(String(pattern.dropFirst()))
    }
    return parameter.sameBytes(as: pattern) || pattern.utf8.contains(UInt8(ascii: "*"))
      || parameter.split(separator: ".").contains { $0.utf8.elementsEqual(pattern.utf8) }
  }
}

extension Configuration {
  /// What the file is called that SDNQ writes beside config.json.
  static let quantizationFileName = "quantization_config.json"

  /// Keys by which this says that weights are quantised.
  package var quantizationKeys: [String] {
    Recognition.shared.storageWords.configurationKeys.filter { key in
      json[key].map { $0 != .null } ?? false
    }
  }
}
