internal import JSON

/// A token that is taken out of the text as it stands, before the model sees the rest.
struct AddedToken: Sendable {
  let content: String
  let id: Int32
  let rules: Rules

  /// How an added token is looked for.
  struct Rules: Sendable, Equatable {
    /// Whether it is looked for in the normalised text instead of the text as written.
    var isNormalized = false
    /// Whether white space before it is dropped.
    var stripsLeft = false
    /// Whether white space after it is dropped.
    var stripsRight = false
    /// Whether it counts only where no letter, digit or underscore touches it.
    var isSingleWord = false
  }
}

/// An added token as a file writes it: a string, or an object with its content and rules.
struct AddedTokenDefinition {
  let content: String
  let rules: AddedToken.Rules

  /// A token looked for in the text as written.
  init(special content: String) {
    self.content = content
    rules = AddedToken.Rules()
  }

  init(content: String, rules: AddedToken.Rules) {
    self.content = content
    self.rules = rules
  }

  /// Nil when the value is neither form.
  ///
  /// Source: huggingface/tokenizers, `added_vocabulary.rs`, `AddedToken`: the fields, and that a
  /// token which isn't special is looked for in normalised text unless the file says otherwise.
  init?(_ value: JSONValue, isSpecial: Bool) {
    if let content = value.string {
      self.init(
        content: content, rules: AddedToken.Rules(isNormalized: !isSpecial))
      return
    }
    guard let object = value.object, let content = object["content"]?.string else { return nil }
    let isSpecial = isSpecial || object["special"]?.bool ?? false
    self.init(
      content: content,
      rules: AddedToken.Rules(
        isNormalized: object["normalized"]?.bool ?? !isSpecial,
        stripsLeft: object["lstrip"]?.bool ?? false,
        stripsRight: object["rstrip"]?.bool ?? false,
        isSingleWord: object["single_word"]?.bool ?? false))
  }
}
