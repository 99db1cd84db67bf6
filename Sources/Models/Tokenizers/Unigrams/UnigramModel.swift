/// A unigram language model over pieces of words: the best cut of a word is the one whose pieces'
/// scores add up to most.
///
/// Source: huggingface/tokenizers, `models/unigram/model.rs`, `encode_optimized`; Kudo, Subword
/// Regularization, 2018.
struct UnigramModel: Sendable {
  /// A piece and its log probability.
  struct Piece {
    let text: String
    let score: Double
  }

  private let trie: PieceTrie
  private let scores: [Double]
  private let unknownID: Int32
  private let unknownScore: Double

  /// A model whose pieces' ids are their indexes; `unknownID` is one of them.
  init(pieces: [Piece], unknownID: Int32) {
    precondition(pieces.indices.contains(Int(unknownID)), "the unknown piece must be a piece")
    trie = PieceTrie(pieces.map(\.text))
    scores = pieces.map(\.score)
    self.unknownID = unknownID
    // SentencePiece's penalty for a character that no piece covers.
    unknownScore = (scores.min() ?? 0) - 10
  }

  /// The best way to a position of a word.
  private struct Path {
    var score = 0.0
    var start = -1
    var id: Int32 = 0

    mutating func offer(score candidate: Double, from start: Int, id: Int32) {
      guard self.start < 0 || candidate > score else { return }
      (score, self.start, self.id) = (candidate, start, id)
    }
  }

  /// Appends the ids of a word, given as its UTF-8 bytes; neighbouring characters without a piece
  /// become one unknown token.
  func encode(_ word: [UInt8], into ids: inout [Int32]) {
    var paths = [Path](repeating: Path(), count: word.count + 1)
    var start = 0
    while start < word.count {
      let score = paths[start].score
      let next = min(start + scalarByteCount(word[start]), word.count)
      var coversScalar = false
      trie.forEachPrefix(of: word[start...]) { end, id in
        paths[end].offer(score: score + scores[Int(id)], from: start, id: id)
        if end == next { coversScalar = true }
      }
      if !coversScalar {
        paths[next].offer(score: score + unknownScore, from: start, id: unknownID)
      }
      start = next
    }
    var reversed: [Int32] = []
    var end = word.count
    while end > 0 {
      let path = paths[end]
      if path.id != unknownID || reversed.last != unknownID { reversed.append(path.id) }
      end = path.start
    }
    ids += reversed.reversed()
  }

  private func scalarByteCount(_ lead: UInt8) -> Int {
    switch lead {
    case 0xF0...: 4
    case 0xE0...: 3
    case 0xC0...: 2
    default: 1
    }
  }
}

/// The pieces of a vocabulary by their bytes.
private struct PieceTrie: Sendable {
  /// The node after a node and a byte; node 0 is the root.
  private var edges: [UInt64: Int32] = [:]
  /// The id of the piece that ends at a node, or -1.
  private var ids: [Int32] = [-1]

  /// A trie of pieces whose ids are their indexes; of equal pieces the last stays.
  init(_ pieces: [String]) {
    edges.reserveCapacity(pieces.count * 4)
    for (id, piece) in pieces.enumerated() where !piece.isEmpty {
      var node: Int32 = 0
      for byte in piece.utf8 {
        let key = PieceTrie.key(node, byte)
        if let next = edges[key] {
          node = next
        } else {
          ids.append(-1)
          node = Int32(ids.count - 1)
          edges[key] = node
        }
      }
      ids[Int(node)] = Int32(id)
    }
  }

  /// Calls back with every piece that the bytes begin with, the shortest first: the index after its
  /// end, and its id.
  func forEachPrefix(of bytes: ArraySlice<UInt8>, _ body: (_ end: Int, _ id: Int32) -> Void) {
    var node: Int32 = 0
    for index in bytes.indices {
      guard let next = edges[PieceTrie.key(node, bytes[index])] else { return }
      node = next
      if ids[Int(node)] >= 0 { body(index + 1, ids[Int(node)]) }
    }
  }

  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
    UInt64(node) << 8 | UInt64(byte)
  }
}
