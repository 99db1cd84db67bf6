public import ArgumentParser
public import Benchmarking
internal import OptionGroups
internal import SystemPackage
internal import TorchCompute

/// What runs through a transformer.
struct PassSubjects: ParsableArguments {
  @Option(
    help: "A model's folder (default: a family of made-up weights in memory).",
    completion: .directory)
  var model: FilePath?

  @Option(help: "The family without --model: flux1 or qwen-image (default: flux1).")
  var family: MadeUpFamily?

  @Option(
    help: ArgumentHelp(
      "Double and single blocks without --model (default: 1,2; of qwen-image, which has one kind, 2).",
      valueName: "n[,n]"),
    transform: { try numbers($0, in: 0...100) })
  var blocks: [Int]?

  @Option(help: "Tokens of the caption (default: 512).")
  var textTokens: Int?

  @Option(help: "Rank of the adapter that is trained (default: 16).")
  var rank: Int?

  @OptionGroup var place: DeviceOptions

  mutating func validate() throws {
    if model != nil, blocks != nil || family != nil {
      let option = blocks != nil ? "--blocks" : "--family"
      throw ValidationError("\(option) is for made-up weights; a --model has its own.")
    }
    let usual = madeUp.blocks
    if let blocks, blocks.count != usual.count || blocks.allSatisfy({ $0 == 0 }) {
      let example = usual.map(String.init).joined(separator: ",")
      throw ValidationError(
        "--blocks: expected \(usual.count == 1 ? "one count" : "two counts") of blocks, such as "
          + example)
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
      ("--model", model != nil, [.convolution, .step, .sample]),
      ("--blocks", blocks != nil, [.step, .sample]),
      ("--family", family != nil, [.step, .sample]),
      ("--text-tokens", textTokens != nil, [.step, .sample]), ("--rank", rank != nil, [.step]),
      ("--device", place.device != .host, [.step]),
    ]
  }

  /// The model that was asked for.
  func benchmarkModel() throws -> BenchmarkModel {
    if let model { return try BenchmarkModel(opening: model) }
    return try BenchmarkModel(madeUp, blocks: blocks ?? madeUp.blocks)
  }

  private var madeUp: MadeUpFamily { family ?? .flux1 }

  /// Its passes, with pictures of so many tokens.
  func sizes(_ imageTokens: [Int]?) -> PassSizes {
    PassSizes(imageTokenCounts: imageTokens ?? [256], textTokens: textTokens ?? 512)
  }
}

extension MadeUpFamily: ExpressibleByArgument {}
