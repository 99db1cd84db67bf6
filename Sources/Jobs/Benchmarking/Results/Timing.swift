/// How long something took, in every round.
public struct Timing: Sendable {
  /// What was timed.
  public let name: String
  /// Floating-point operations of a run, where its work is counted so.
  public let operations: Double?
  /// Bytes that a run takes in, where its work is counted so.
  public let bytes: Int?
  /// The rounds.
  public let samples: [Sample]

  /// A timing of these rounds.
  package init(name: String, operations: Double? = nil, bytes: Int? = nil, samples: [Sample]) {
    self.name = name
    self.operations = operations
    self.bytes = bytes
    self.samples = samples
  }

  /// The rounds that count: the quiet ones, or all where none was.
  private var counted: [Sample] {
    let quiet = samples.filter(\.isQuiet)
    return quiet.isEmpty ? samples : quiet
  }

  /// Whether a round was quiet.
  public var wasQuiet: Bool { samples.contains(where: \.isQuiet) }
  /// Seconds that passed: the median.
  public var wall: Double { counted.map(\.wall).median }
  /// Seconds that processors computed: the median.
  public var cpu: Double { counted.map(\.cpu).median }
  /// Floating-point operations in a second of computing.
  public var rate: Double? { operations.map { $0 / cpu } }
}
