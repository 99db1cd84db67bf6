internal import ArgumentParser
internal import Reports

/// A number of bytes, as `--shard-size` and `--memory` take it.
///
/// Use it as `@Option(help: "…", transform: ByteSize.init(parsing:)) var shardSize: ByteSize?`.
public struct ByteSize: Sendable, Equatable, CustomStringConvertible {
  /// The number.
  public let count: Int

  /// A number of bytes.
  public init(_ count: Int) { self.count = count }

  private static let units: [(name: String, factor: Int)] = [
    ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
    ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
    ("b", 1), ("", 1),
  ]

  /// Reads `5GB`, `1.5 GiB`, `500MB`, `123456`; units in any case.
  public init(parsing text: String) throws {
    let text = text.lowercased()
    let unit = ByteSize.units.first { text.hasSuffix($0.name) }
    let number = text.dropLast(unit?.name.count ?? 0).filter { $0 != " " }
    guard let unit, let value = Double(number), value.isFinite, value > 0,
      let count = Int(exactly: (value * Double(unit.factor)).rounded(.down)), count > 0
    else { throw ValidationError("expected a size such as 5GB, 1.5GiB or 500MB") }
    self.init(count)
  }

  /// `5.0 GB`.
  public var description: String { Readable.bytes(count) }
}
