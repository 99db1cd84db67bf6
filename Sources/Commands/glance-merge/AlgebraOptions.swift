import AdapterAlgebra
public import Adapters
public import ArgumentParser
import SystemPackage

/// The options that are for adapters made of adapters or checkpoints.
struct AlgebraOptions: ParsableArguments {
  @Option(
    help: "Make an adapter of what this tuned checkpoint changed in the base.", completion: .file())
  var extract: FilePath?

  @Option(help: "Rank of an extracted adapter.")
  var rank = 32

  @Option(
    help: "With --extract: suffixes of modules, joined by commas (default: every linear one).")
  var targets: String?

  @Option(help: "Lower every module's rank to this by SVD; without it adapters are joined exactly.")
  var resizeRank: Int?

  @Option(help: "Lower ranks as far as this share of each module's energy is kept, such as 0.99.")
  var energy: Double?

  @Option(
    help: ArgumentHelp(
      "Names of the keys: \(Adapter.writableDialects.joined(separator: ", ")).",
      valueName: "dialect"))
  var dialect = "diffusers"

  @Option(
    help: "How the scale is carried: bake it into B, an alpha tensor for each module, or metadata.")
  var alpha = AdapterWritingOptions.AlphaPolicy.bake

  mutating func validate() throws {
    for (name, rank) in [("--rank", rank), ("--resize-rank", resizeRank ?? 1)] where rank < 1 {
      throw ValidationError("\(name): expected a whole number from 1, found \(rank)")
    }
    if let energy, !(energy > 0 && energy <= 1) {
      throw ValidationError("--energy: expected a number over 0, at most 1, found \(energy)")
    }
    guard Adapter.writableDialects.contains(dialect) else {
      throw ValidationError(
        "--dialect: expected one of \(Adapter.writableDialects.joined(separator: ", ")), found "
          + "'\(dialect)'")
    }
  }

  /// How far ranks are lowered; nil for not at all.
  var rule: RankRule? {
    if let energy { return .energy(energy, maximumRank: resizeRank ?? .max) }
    return resizeRank.map { .rank($0) }
  }
}

extension AdapterWritingOptions.AlphaPolicy: ExpressibleByArgument {}
