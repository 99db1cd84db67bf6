internal import JSON
internal import Tensors
internal import Text

/// What an adapter's metadata say about the model that it is for.
struct StatedModel: Sendable {
  /// The key that says it.
  let key: String
  /// Its value, cut to what fits on a line.
  let value: String
  /// What that means.
  let model: AdaptedModels.Model
  /// Whether the key is there to say it; a file's name is only a hint.
  let isDeclared: Bool

  /// `ss_base_model_version = flux2_klein_4b`.
  var text: String { "\(key) = \(value)" }

  /// All statements that name a known model, those that count more first.
  static func all(
    in metadata: Metadata, document: AdapterHeader.Document?, configuration: JSONValue?
  ) -> [StatedModel] {
    let known = AdaptedModels.shared
    var texts: [(key: String, text: String)] = known.declaredKeys.compactMap { key in
      metadata[key].map { (key, $0) }
    }
    if let object = (try? document?.json.get())?.object {
      texts += object.members.filter { $0.key.utf8HasSuffix(".base_model_name_or_path") }
        .compactMap { member in member.value.string.map { (member.key, $0) } }
    }
    if let text = configuration?["base_model_name_or_path"]?.string {
      texts.append(("base_model_name_or_path", text))
    }
    let mentioned = known.mentionedKeys.compactMap { key in
      metadata[key].map { (key: key, text: $0) }
    }
    return (texts.map { ($0, true) } + mentioned.map { ($0, false) }).compactMap {
      text, isDeclared in
      known.model(statedBy: text.text).map {
        StatedModel(
          key: text.key, value: String(text.text.prefix(60)), model: $0, isDeclared: isDeclared)
      }
    }
  }
}
