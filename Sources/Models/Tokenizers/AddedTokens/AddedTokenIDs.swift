/// The ids of all tokens that can come out of a tokenizer: the model's own and the added ones.
struct AddedTokenIDs {
  private let added: [TokenText: Int32]
  private let vocabulary: TokenTable
  /// One more than the largest id.
  let bound: Int

  init(_ tokens: [AddedToken], vocabulary: TokenTable) {
    self.vocabulary = vocabulary
    added = Dictionary(
      tokens.map { (TokenText($0.content), $0.id) }, uniquingKeysWith: { first, _ in first })
    bound = max(vocabulary.idBound, (added.values.max().map(Int.init) ?? -1) + 1)
  }

  /// The id of a token that must be there.
  func id(of token: String) throws(TokenizerError) -> Int32 {
    if let id = added[TokenText(token)] { return id }
    return try vocabulary.id(of: token)
  }
}
