internal import ArgumentParser
internal import Benchmarking
internal import SystemPackage

/// What runs through a transformer.
struct PassSubjects: ParsableArguments {
  @Option(
    help: "A model's folder (default: FLUX.1 of made-up weights in memory).",
    completion: .directory)
  var model: FilePath?

  @Option(
    help: ArgumentHelp(
      "Double and single blocks without --model (default: 1,2).", valueName: "n,n"),
    transform: { text in
      let counts = try numbers(text, in: 0...100)
      guard counts.count == 2, counts.contains(where: { $0 > 0 }) else {
        throw ValidationError("expected two counts of blocks, such as 1,2")
      }
      return counts
    })
  var blocks: [Int]?

  @Option(help: "Tokens of the caption (default: 512).")
  var textTokens: Int?

  @Option(help: "Rank of the adapter that is trained (default: 16).")
  var rank: Int?

  mutating func validate() throws {
    if model != nil, blocks != nil {
      throw ValidationError("--blocks is for made-up weights; a --model has its own.")
    }
    if let textTokens, !(1...4096 ~= textTokens) {
      throw ValidationError("--text-tokens: expected 1 to 4096, found \(textTokens)")
    }
    if let rank, !(1...4096 ~= rank) {
      throw ValidationError("--rank: expected 1 to 4096, found \(rank)")
    }
  }

  /// Every option, whether it was given, and what it is for.
  var given: [(name: String, isGiven: Bool, subjects: [Bench.Subject])] {
    [
      ("--model", model != nil, [.step, .sample]), ("--blocks", blocks != nil, [.step, .sample]),
      ("--text-tokens", textTokens != nil, [.step, .sample]), ("--rank", rank != nil, [.step]),
    ]
  }

  /// The model that was asked for.
  func benchmarkModel() throws -> BenchmarkModel {
    if let model { return try BenchmarkModel(opening: model) }
    return try BenchmarkModel(
      doubleBlocks: blocks?[0] ?? 1, singleBlocks: blocks?[1] ?? 2)
  }

  /// Its passes, with pictures of so many tokens.
  func sizes(_ imageTokens: [Int]?) -> PassSizes {
    PassSizes(imageTokenCounts: imageTokens ?? [256], textTokens: textTokens ?? 512)
  }
}
