internal import Formats
internal import JSON
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

  init(_ entry: JSONValue) {
    name = entry.text("name")
    forms = entry.texts("storages")
    requirements = entry.members("requires").map { ($0.key, $0.value.array ?? []) }
    exceptions = Dictionary(
      uniqueKeysWithValues: entry.members("layers").map { ($0.key, $0.value.string ?? "") })
  }
}

/// What config.json says of how weights are quantised.
///
/// **Source:** SDNQ 0.2.8, `sdnq/utils.py`, `check_param_name_in` and `get_minimum_dtype` (layers that are
/// exceptions); vllm-project/compressed-tensors 0.20.1, `quantization/quant_config.py`
/// (`transform_config`); huggingface/transformers 5.24, `utils/quantization_config.py`.
struct QuantizationStatement: Sendable {
  /// The key of config.json.
  let key: String
  /// The program that it names; empty where it names none.
  let method: String
  private let json: JSONValue
  private let known: QuantizationMethod?

  /// Nil where nothing is said.
  init?(_ configuration: Configuration?) {
    guard let configuration, let key = configuration.quantizationKeys.first,
      let json = configuration.json[key]
    else { return nil }
    self.key = key
    self.json = json
    let method = json["quant_method"]?.string ?? ""
    self.method = method
    known = Recognition.shared.storageWords.methods.first { $0.name == method }
  }

  /// Whether it allows to read a form: it names a program that stores weights so.
  func allows(_ form: StoredForm) -> Bool { known?.forms.contains(form.name) ?? false }

  /// What it says that keeps numbers from being read; nil where it says nothing such.
  var obstacle: String? {
    for (name, values) in known?.requirements ?? [] {
      let said = json[name] ?? .null
      if !values.contains(said) {
        return "config.json's \(key) says '\(name)': \(said.text())"
      }
    }
    return nil
  }

  /// What it says of a layer by a key; nil for nothing.
  func value(_ name: String, ofLayer path: String) -> JSONValue? {
    if let list = known?.exceptions[name], let exceptions = json[list]?.object {
      let parameter = (path.isEmpty ? "" : path + ".") + "weight"
      for member in exceptions.members {
        let patterns = member.value.array?.compactMap(\.string) ?? [member.value.string ?? ""]
        for pattern in patterns where Self.names(pattern, parameter) {
          // What may name the layer, or not, leaves nothing certain.
          return pattern.utf8.contains(UInt8(ascii: "*")) ? .null : .string(member.key)
        }
      }
    }
    return json[name]
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
  /// Keys by which this says that weights are quantised.
  package var quantizationKeys: [String] {
    Recognition.shared.storageWords.configurationKeys.filter { key in
      json[key].map { $0 != .null } ?? false
    }
  }
}
