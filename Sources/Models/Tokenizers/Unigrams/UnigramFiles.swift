internal import JSON
internal import SystemPackage

/// The pieces of a T5 tokenizer's folder: from `tokenizer.json` if it is there, else from
/// `spiece.model`, to which the sentinels `<extra_id_…>` are added.
struct UnigramFiles {
  let pieces: [UnigramModel.Piece]
  let unknownID: Int32
  let characterMap: PrecompiledCharacterMap
  let vocabulary: TokenTable
  /// `tokenizer.json`, when that is where they are from.
  let serialized: TokenizerFolder.Document?

  init(_ folder: TokenizerFolder) throws(TokenizerError) {
    if let document = try folder.document("tokenizer.json") {
      (pieces, unknownID) = try UnigramFiles.model(in: document)
      characterMap = try UnigramFiles.characterMap(in: document)
      serialized = document
      vocabulary = UnigramFiles.table(pieces, file: document.file)
      return
    }
    guard let bytes = try folder.bytes(of: "spiece.model") else {
      throw .missingFiles(folder: folder.path, expected: "tokenizer.json or spiece.model")
    }
    let file = folder.path.appending("spiece.model")
    let model = try SentencePieceFile(bytes, file: file)
    pieces = model.pieces + (try UnigramFiles.sentinels(after: model.pieces, folder))
    unknownID = model.unknownID
    characterMap = model.characterMap
    serialized = nil
    vocabulary = UnigramFiles.table(pieces, file: file)
  }

  private static func table(_ pieces: [UnigramModel.Piece], file: FilePath) -> TokenTable {
    var table = TokenTable(file: file, capacity: pieces.count)
    for (id, piece) in pieces.enumerated() { table.insert(piece.text, id: Int32(id)) }
    return table
  }

  /// The sentinels behind a model's own pieces, the last first: `<extra_id_0>` has the largest id.
  ///
  /// Source: huggingface/transformers, `models/t5/tokenization_t5.py`, `T5Tokenizer`.
  private static func sentinels(
    after pieces: [UnigramModel.Piece], _ folder: TokenizerFolder
  ) throws(TokenizerError) -> [UnigramModel.Piece] {
    guard !pieces.contains(where: { $0.text == "<extra_id_0>" }) else { return [] }
    var count = 100
    if let configuration = folder.configuration, let value = configuration.root["extra_ids"] {
      guard let stated = value.integer, (0...100_000).contains(stated) else {
        throw configuration.malformed("extra_ids: expected a number from 0 to 100000")
      }
      count = stated
    }
    return (0..<count).reversed().map { UnigramModel.Piece(text: "<extra_id_\($0)>", score: 0) }
  }

  private static func model(
    in document: TokenizerFolder.Document
  ) throws(TokenizerError) -> (pieces: [UnigramModel.Piece], unknownID: Int32) {
    guard let model = document.root["model"]?.object else {
      throw document.malformed("expected a model")
    }
    guard model["type"]?.string ?? "Unigram" == "Unigram", model["byte_fallback"]?.bool != true
    else {
      throw .unsupported(
        file: document.file, detail: "expected a unigram model without byte fallback")
    }
    guard let vocabulary = model["vocab"]?.array else {
      throw document.malformed("model.vocab: expected an array of pieces and scores")
    }
    var pieces: [UnigramModel.Piece] = []
    pieces.reserveCapacity(vocabulary.count)
    for value in vocabulary {
      guard let pair = value.array, pair.count == 2, let text = pair[0].string,
        let score = pair[1].double, score.isFinite
      else {
        throw document.malformed("model.vocab[\(pieces.count)]: expected a piece and its score")
      }
      pieces.append(UnigramModel.Piece(text: text, score: score))
    }
    guard let unknownID = TokenTable.id(model["unk_id"]), pieces.indices.contains(Int(unknownID))
    else { throw document.malformed("model.unk_id: expected the index of a piece") }
    return (pieces, unknownID)
  }

  /// The character map among the document's normalizers; what else they and the pre-tokenizers do
  /// to white space is the same for every T5.
  private static func characterMap(
    in document: TokenizerFolder.Document
  ) throws(TokenizerError) -> PrecompiledCharacterMap {
    let normalizer = document.root["normalizer"]
    let steps = normalizer?["normalizers"]?.array ?? normalizer.map { [$0] } ?? []
    let map = steps.first { $0["type"]?.string == "Precompiled" }?["precompiled_charsmap"]
    guard let map, map != .null else { return PrecompiledCharacterMap.identity }
    guard let text = map.string, let bytes = bytes(base64: text),
      let result = PrecompiledCharacterMap(bytes)
    else { throw document.malformed("normalizer: malformed precompiled_charsmap") }
    return result
  }
}
