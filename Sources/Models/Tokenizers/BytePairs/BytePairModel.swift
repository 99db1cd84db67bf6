/// Byte-pair encoding of single words: bytes become tokens, and neighbours are merged in the order
/// in which the merges were learnt.
///
/// Source: huggingface/tokenizers, `models/bpe/model.rs`, `merge_word`, and `word.rs`, `merge_all`.
struct BytePairModel: Sendable {
  private struct Merge {
    let rank: UInt32
    let id: Int32
  }

  /// Token of every byte inside a word; nil when the vocabulary has none.
  private let inner: [Int32?]
  /// Token of every byte at the end of a word.
  private let final: [Int32?]
  private let merges: [UInt64: Merge]
  /// Stands for bytes without a token; without it they are left out.
  private let unknownID: Int32?

  /// A model of a vocabulary, whose tokens are spelt in the byte alphabet, and its merges, the
  /// first learnt first. `endOfWord` marks tokens at the end of a word and may be empty;
  /// `unknownID` stands for bytes that the vocabulary lacks, and if it is nil there must be none.
  init(
    vocabulary: TokenTable, mergeList: MergeList, endOfWord: String, unknownID: Int32?
  ) throws(TokenizerError) {
    let letters = ByteAlphabet.letters.map { String(Character($0)) }
    inner = letters.map { vocabulary[$0] }
    final = letters.map { vocabulary[$0 + endOfWord] }
    self.unknownID = unknownID
    if unknownID == nil {
      for byte in UInt8.min...UInt8.max where ByteAlphabet.occursInText(byte) {
        _ = try vocabulary.id(of: letters[Int(byte)])
      }
    }
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(mergeList.pairs.count)
    for (rank, pair) in mergeList.pairs.enumerated() {
      guard let left = vocabulary[pair.left], let right = vocabulary[pair.right],
        let merged = vocabulary[pair.left + pair.right]
      else {
        throw .malformed(
          file: mergeList.file,
          detail: "merge \(rank + 1): '\(shown(pair.left))' + '\(shown(pair.right))' "
            + "isn't in the vocabulary")
      }
      merges[BytePairModel.key(left, right)] = Merge(rank: UInt32(rank), id: merged)
    }
    self.merges = merges
  }

  /// Appends the tokens of a word, given as its bytes.
  func encode(_ word: [UInt8], into ids: inout [Int32]) {
    var symbols: [Int32] = []
    symbols.reserveCapacity(word.count)
    for (index, byte) in word.enumerated() {
      let table = index == word.count - 1 ? final : inner
      if let id = table[Int(byte)] ?? unknownID { symbols.append(id) }
    }
    merge(&symbols)
    ids += symbols
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Merges until no pair of neighbours has a merge, the lowest rank first, then the leftmost.
  private func merge(_ symbols: inout [Int32]) {
    guard symbols.count > 1 else { return }
    var chain = SymbolChain(count: symbols.count)
    var queue = MergeQueue()
    func enqueue(_ left: Int, _ right: Int, in symbols: [Int32]) {
      if let merge = merges[BytePairModel.key(symbols[left], symbols[right])] {
        queue.insert(rank: merge.rank, position: UInt32(left))
      }
    }
    for left in 0..<symbols.count - 1 { enqueue(left, left + 1, in: symbols) }
    while let (rank, position) = queue.popFirst() {
      let left = Int(position)
      // The entry is out of date when either side has been merged since.
      guard chain.isLive(left), let right = chain.next(left),
        let merge = merges[BytePairModel.key(symbols[left], symbols[right])], merge.rank == rank
      else { continue }
      symbols[left] = merge.id
      chain.remove(right)
      if let previous = chain.previous(left) { enqueue(previous, left, in: symbols) }
      if let next = chain.next(left) { enqueue(left, next, in: symbols) }
    }
    symbols = symbols.indices.filter(chain.isLive).map { symbols[$0] }
  }
}

/// Who follows whom among the symbols that are left.
private struct SymbolChain {
  private var following: [Int]
  private var preceding: [Int]
  private var live: [Bool]

  init(count: Int) {
    following = Array(1...count)
    preceding = Array(-1..<count - 1)
    live = Array(repeating: true, count: count)
  }

  func isLive(_ symbol: Int) -> Bool { live[symbol] }
  func next(_ symbol: Int) -> Int? { following[symbol] < live.count ? following[symbol] : nil }
  func previous(_ symbol: Int) -> Int? { preceding[symbol] >= 0 ? preceding[symbol] : nil }

  mutating func remove(_ symbol: Int) {
    live[symbol] = false
    following[preceding[symbol]] = following[symbol]
    if following[symbol] < live.count { preceding[following[symbol]] = preceding[symbol] }
  }
}
