public import Adapters
public import ArgumentParser
import CommandSupport

/// The options that are for adapters.
struct AdapterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Names of an adapter's keys: \(Adapter.writableDialects.joined(separator: ", ")) "
        + "(default: as it is, where that can be written)."))
  var dialect: String?

  @Option(
    help: "How the scale is carried: bake it into B, an alpha tensor for each module, or metadata.")
  var alpha: AdapterWritingOptions.AlphaPolicy?

  @Option(
    help: """
      Make the closest LoRA of this rank (by SVD) of every change that is none exactly: LoKr with two whole \
      factors, differences of weights. How much of each is kept is told.
      """)
  var rank: Int?

  @OptionGroup var assumed: AssumedAlphaOption

  @Flag(
    help: """
      Leave out keys that are no module's, and text encoders that the dialect has no form for, \
      instead of refusing the adapter; each is named.
      """)
  var partial = false

  @Option(
    help: """
      The family that the adapter is for, flux1 or qwen-image, where its names, shapes and metadata \
      leave that open or contradict each other.
      """)
  var family: String?

  mutating func validate() throws {
    if let rank, rank < 1 {
      throw ValidationError("--rank: expected a whole number from 1, found \(rank)")
    }
    if let dialect, !Adapter.writableDialects.contains(dialect) {
      throw ValidationError(
        "--dialect: expected one of \(Adapter.writableDialects.joined(separator: ", ")), found "
          + "'\(dialect)'")
    }
  }

  /// The options of this group that were given.
  var given: [String] {
    let options: [(name: String, isGiven: Bool)] = [
      ("--dialect", dialect != nil), ("--alpha", alpha != nil),
      ("--assume-alpha", assumed.assumeAlpha != nil), ("--partial", partial),
      ("--family", family != nil), ("--rank", rank != nil),
    ]
    return options.filter(\.isGiven).map(\.name)
  }

  /// Refuses these options where they mean nothing.
  func refuse(_ reason: (String) -> String) throws {
    if let option = given.first { throw ValidationError(reason(option)) }
  }
}

extension AdapterWritingOptions.AlphaPolicy: ExpressibleByArgument {}
