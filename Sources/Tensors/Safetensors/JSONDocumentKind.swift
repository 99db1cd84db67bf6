internal import JSON

/// What a JSON document is that belongs to a model and is no index of shards.
public enum JSONDocumentKind: Sendable, Equatable, CustomStringConvertible {
  /// `model_index.json` or `modular_model_index.json`: the pipeline's class.
  case pipeline(className: String)
  /// A component's `config.json`: the class of diffusers.
  case diffusersConfiguration(className: String)
  /// A component's `config.json`: the class or type of transformers.
  case transformersConfiguration(className: String)
  /// `adapter_config.json` of PEFT.
  case adapterConfiguration
  /// `tokenizer.json`, with the kind of its model.
  case tokenizer(kind: String)
  /// `vocab.json`: how many tokens it has.
  case vocabulary(tokenCount: Int)
  /// Anything else: an object, an array, a value.
  case other

  /// Tells by what a document holds; nil for text that is no JSON.
  ///
  /// - Parameters:
  ///   - text: the document.
  ///   - name: of its file.
  init?(_ text: RawSpan, name: String) {
    guard let document = try? JSONValue(parsing: text) else { return nil }
    if let className = document["_class_name"]?.string {
      let isIndex = document.object?.members.contains { $0.value.array?.count ?? 0 >= 2 } ?? false
      self =
        name.hasSuffix("model_index.json") || (isIndex && className.hasSuffix("Pipeline"))
        ? .pipeline(className: className) : .diffusersConfiguration(className: className)
    } else if document["peft_type"]?.string != nil {
      self = .adapterConfiguration
    } else if let className = document["architectures"]?.array?.first?.string
      ?? document["model_type"]?.string
    {
      self = .transformersConfiguration(className: className)
    } else if let kind = document["model"]?["type"]?.string {
      self = .tokenizer(kind: kind)
    } else if let members = document.object?.members, members.count > 1,
      members.allSatisfy({ $0.value.integer != nil })
    {
      self = .vocabulary(tokenCount: members.count)
    } else {
      self = .other
    }
  }

  /// What it is and what to do.
  public var description: String {
    let advice = "no weights and no index of shards; name the folder"
    return switch self {
    case .pipeline(let className):
      "the index of a diffusers pipeline, \(className); name its folder"
    case .diffusersConfiguration(let className):
      "a diffusers configuration of \(className), \(advice)"
    case .transformersConfiguration(let className):
      "a transformers configuration of \(className), \(advice)"
    case .adapterConfiguration:
      "PEFT's configuration of an adapter; name adapter_model.safetensors beside it"
    case .tokenizer(let kind): "a tokenizer (\(kind)), \(advice)"
    case .vocabulary(let tokenCount):
      "a tokenizer's vocabulary of \(tokenCount) tokens, \(advice)"
    case .other: "a JSON document, expected weights or an index of shards with 'weight_map'"
    }
  }
}

extension String {
  /// Whether a name isn't one that indexes of shards have.
  var isNoIndex: Bool { firstRange(of: ".index.") == nil }
}
