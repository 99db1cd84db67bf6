internal import JSON
internal import SystemPackage

/// The merges of a byte-pair tokenizer, in the order learnt.
struct MergeList {
  let file: FilePath
  let pairs: [(left: String, right: String)]
}

/// The vocabulary and merges of a byte-pair tokenizer's folder: `vocab.json` and `merges.txt`, or
/// `tokenizer.json`, which transformers 5 writes in their stead.
struct BytePairFiles {
  let vocabulary: TokenTable
  let mergeList: MergeList
  /// `tokenizer.json`, when that is where they are from.
  let serialized: TokenizerFolder.Document?

  init(_ folder: TokenizerFolder) throws(TokenizerError) {
    let merges = try folder.bytes(of: "merges.txt")
    if let merges, let vocabulary = try folder.document("vocab.json") {
      self.vocabulary = try TokenTable(vocabulary.root, file: vocabulary.file)
      mergeList = try MergeList(text: merges, file: folder.path.appending("merges.txt"))
      serialized = nil
      return
    }
    guard let document = try folder.document("tokenizer.json") else {
      throw .missingFiles(
        folder: folder.path, expected: "vocab.json and merges.txt, or tokenizer.json")
    }
    guard let model = document.root["model"]?.object, model["type"]?.string ?? "BPE" == "BPE" else {
      throw .unsupported(file: document.file, detail: "expected a model of type BPE")
    }
    guard let vocabulary = model["vocab"]?.object, let merges = model["merges"]?.array else {
      throw document.malformed("model: expected vocab and merges")
    }
    self.vocabulary = try TokenTable(vocabulary, file: document.file)
    mergeList = try MergeList(merges, document: document)
    serialized = document
  }
}

extension MergeList {
  /// Reads `merges.txt`: a pair of tokens a line, apart by a space, after a `#version` line.
  init(text: [UInt8], file: FilePath) throws(TokenizerError) {
    var pairs: [(left: String, right: String)] = []
    var number = 0
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if line.isEmpty || line.starts(with: "#version".utf8) { continue }
      let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
        let left = String(validating: parts[0], as: UTF8.self),
        let right = String(validating: parts[1], as: UTF8.self)
      else {
        throw .malformed(file: file, detail: "line \(number): expected two tokens and a space")
      }
      pairs.append((left, right))
    }
    self.init(file: file, pairs: pairs)
  }

  /// Reads the merges of `tokenizer.json`: strings as in `merges.txt`, or arrays of two strings.
  init(_ values: [JSONValue], document: TokenizerFolder.Document) throws(TokenizerError) {
    var pairs: [(left: String, right: String)] = []
    pairs.reserveCapacity(values.count)
    for value in values {
      let parts =
        value.array?.compactMap(\.string)
        ?? value.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      guard let parts, parts.count == 2 else {
        throw document.malformed("merge \(pairs.count + 1): expected two tokens")
      }
      pairs.append((parts[0], parts[1]))
    }
    self.init(file: document.file, pairs: pairs)
  }
}
