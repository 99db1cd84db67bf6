public import ArgumentParser

/// The option that says what alpha an adapter was trained with, for commands that read adapters.
public struct AssumedAlphaOption: ParsableArguments {
  /// The alpha of training.
  @Option(
    help: ArgumentHelp(
      "The alpha to take where an adapter says none (default: its rank).", valueName: "alpha"))
  public var assumeAlpha: Double?

  /// What to do about an alpha that isn't known.
  public static let advice = "if training used another alpha, give it with --assume-alpha"

  /// No alpha.
  public init() {}

  /// Refuses what is no number.
  public mutating func validate() throws {
    if let assumeAlpha, !assumeAlpha.isFinite {
      throw ValidationError("--assume-alpha: expected a finite number, found \(assumeAlpha)")
    }
  }
}
