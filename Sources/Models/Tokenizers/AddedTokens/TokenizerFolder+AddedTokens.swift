internal import JSON

/// The parts that special tokens play, as the keys of `tokenizer_config.json` name them, in the
/// order in which they are added.
private let roles = [
  "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
]

extension TokenizerFolder {
  /// The added tokens of the folder.
  ///
  /// They come from `tokenizer.json` (when that is what the vocabulary is from), then from the
  /// configuration's `added_tokens_decoder` or else `added_tokens.json`; tokens that the
  /// configuration gives a part follow when they aren't among them.
  ///
  /// Source: huggingface/transformers, `tokenization_utils_base.py`, `_from_pretrained`, and
  /// `tokenization_utils_tokenizers.py`, `TokenizersBackend.__init__`.
  ///
  /// The ids that tokens have in the model's own `vocabulary` win over stated ones; `serialized` is
  /// `tokenizer.json` when that is used; `defaults` are tokens with a part that the configuration
  /// doesn't give to another, and `special` further ones of this kind of tokenizer.
  func addedTokens(
    vocabulary: TokenTable, serialized: Document?, defaults: [(role: String, token: String)],
    special: [String] = []
  ) throws(TokenizerError) -> [AddedToken] {
    var tokens: [TokenText: AddedToken] = [:]
    for (definition, id) in try listedTokens(serialized) where !definition.content.isEmpty {
      tokens[TokenText(definition.content)] = AddedToken(
        content: definition.content, id: vocabulary[definition.content] ?? id,
        rules: definition.rules)
    }
    var named: [TokenText: AddedToken] = [:]
    let further = special.map { AddedTokenDefinition(special: $0) }
    for definition in further + (try namedTokens(defaults: defaults)) {
      let key = TokenText(definition.content)
      guard tokens[key] == nil, !definition.content.isEmpty else { continue }
      named[key] = AddedToken(
        content: definition.content, id: try vocabulary.id(of: definition.content),
        rules: definition.rules)
    }
    tokens.merge(named) { listed, _ in listed }
    return Array(tokens.values)
  }

  /// The token that plays a part, such as `bos_token`; nil when the configuration sets none.
  func token(_ role: String) throws(TokenizerError) -> AddedTokenDefinition? {
    var result: AddedTokenDefinition?
    for document in specialTokenDocuments {
      guard let value = document.root[role], value != .null else { continue }
      result = try definition(value, in: document, key: role)
    }
    return result
  }

  /// The tokens that the files list with their ids.
  private func listedTokens(
    _ serialized: Document?
  ) throws(TokenizerError) -> [(definition: AddedTokenDefinition, id: Int32)] {
    var result: [(definition: AddedTokenDefinition, id: Int32)] = []
    if let serialized {
      for value in serialized.root["added_tokens"]?.array ?? [] {
        guard let definition = AddedTokenDefinition(value, isSpecial: false),
          let id = TokenTable.id(value["id"])
        else { throw serialized.malformed("added_tokens: expected objects with content and id") }
        result.append((definition, id))
      }
    }
    if let configuration, let decoder = configuration.root["added_tokens_decoder"]?.object {
      for member in decoder.members {
        guard let number = Int64(member.key), let id = TokenTable.id(.integer(number)),
          let definition = AddedTokenDefinition(member.value, isSpecial: false)
        else {
          throw configuration.malformed(
            "added_tokens_decoder: expected ids as keys and objects with content")
        }
        result.append((definition, id))
      }
    } else if let document = try document("added_tokens.json") {
      let special = Set(try namedTokens(defaults: []).map { TokenText($0.content) })
      for member in document.root.members {
        guard let id = TokenTable.id(member.value) else {
          throw document.malformed("token '\(shown(member.key))': expected an id")
        }
        let isSpecial = special.contains(TokenText(member.key))
        let rules = AddedToken.Rules(isNormalized: !isSpecial)
        result.append((AddedTokenDefinition(content: member.key, rules: rules), id))
      }
    }
    return result
  }

  /// The tokens that the configuration gives a part, in order, then its additional ones.
  private func namedTokens(
    defaults: [(role: String, token: String)]
  ) throws(TokenizerError) -> [AddedTokenDefinition] {
    var result: [AddedTokenDefinition] = []
    for role in roles {
      if let token = try token(role) {
        result.append(token)
      } else if let fallback = defaults.first(where: { $0.role == role }) {
        result.append(AddedTokenDefinition(special: fallback.token))
      }
    }
    for document in specialTokenDocuments {
      for key in ["additional_special_tokens", "extra_special_tokens"] {
        // An object is the form that gives further tokens names of their own.
        let values =
          document.root[key]?.array ?? document.root[key]?.object?.members.map { $0.value } ?? []
        for value in values { result.append(try definition(value, in: document, key: key)) }
      }
    }
    return result
  }

  /// The files that name special tokens, the later the stronger.
  private var specialTokenDocuments: [Document] {
    [configuration, specialTokensMap].compactMap { $0 }
  }

  private func definition(
    _ value: JSONValue, in document: Document, key: String
  ) throws(TokenizerError) -> AddedTokenDefinition {
    guard let definition = AddedTokenDefinition(value, isSpecial: true) else {
      throw document.malformed("\(key): expected a token as a string or an object with content")
    }
    return definition
  }
}
