internal import JSON
internal import SystemPackage
internal import Text

/// A token's text, equal to another when the bytes are: Swift's own comparison of strings would
/// let a composed and a decomposed letter stand for one token.
struct TokenText: Hashable {
  let string: String

  init(_ string: String) { self.string = string }

  static func == (left: TokenText, right: TokenText) -> Bool {
    left.string.utf8.count == right.string.utf8.count
      && left.string.sameBytes(as: right.string)
  }

  func hash(into hasher: inout Hasher) {
    var string = string
    string.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// The ids of a vocabulary's tokens.
struct TokenTable {
  private var ids: [TokenText: Int32] = [:]
  /// The file that the vocabulary is from, for errors.
  let file: FilePath
  /// One more than the largest id.
  private(set) var idBound = 0

  /// An empty table for the tokens of that file.
  init(file: FilePath, capacity: Int) {
    self.file = file
    ids.reserveCapacity(capacity)
  }

  /// The table in a JSON object whose keys are tokens and whose values are ids.
  init(_ object: JSONObject, file: FilePath) throws(TokenizerError) {
    self.init(file: file, capacity: object.members.count)
    for member in object.members {
      guard let id = TokenTable.id(member.value) else {
        throw .malformed(
          file: file, detail: "token '\(shown(member.key))': expected an id from 0 to 2147483646")
      }
      insert(member.key, id: id)
    }
  }

  /// A token id from a JSON file; nil for anything that can't be one.
  static func id(_ value: JSONValue?) -> Int32? {
    guard let number = value?.integer, let id = Int32(exactly: number), id >= 0, id < .max else {
      return nil
    }
    return id
  }

  /// Adds a token; the last of two equal ones stays.
  mutating func insert(_ token: String, id: Int32) {
    ids[TokenText(token)] = id
    idBound = max(idBound, Int(id) + 1)
  }

  /// The id of a token.
  subscript(token: String) -> Int32? { ids[TokenText(token)] }

  /// The id of a token that must be there.
  func id(of token: String) throws(TokenizerError) -> Int32 {
    guard let id = self[token] else { throw .missingToken(file: file, token: token) }
    return id
  }
}
