extension String {
  /// The block that a canonical module path lies in (`transformer_blocks.0`), or, outside blocks,
  /// its first word (`norm_out`).
  public var blockName: String {
    let words = split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count > 1, !words[1].isEmpty, words[1].utf8.allSatisfy(\.isDigit) else {
      return words.first.map(String.init) ?? self
    }
    return "\(words[0]).\(words[1])"
  }
}

extension Sequence<String> {
  /// The blocks of module paths, each once, in the order in which they first come.
  public var blockNames: [String] {
    var seen = Set<String>()
    return map(\.blockName).filter { seen.insert($0).inserted }
  }
}
