/// How long something took, in every round.
public struct Timing: Sendable {
  /// Anonymous memory of a process that was watched by itself.
  public struct Memory: Sendable, Equatable {
    /// The most bytes of a run, above those before the first one.
    public let beside: Int
    /// The most bytes in all: weights, interpreter and libraries too.
    public let whole: Int

    /// So many bytes.
    package init(beside: Int, whole: Int) {
      self.beside = beside
      self.whole = whole
    }
  }

  /// What was timed.
  public let name: String
  /// Whether it is another program's, which ours are held against by name.
  public let isRival: Bool
  /// Floating-point operations of a run, where its work is counted so.
  public let operations: Double?
  /// Bytes that a run takes in, where its work is counted so.
  public let bytes: Int?
  /// Memory that a run takes, where another process watched itself.
  public let memory: Memory?
  /// The rounds.
  public let samples: [Sample]

  /// A timing of these rounds.
  package init(
    name: String, isRival: Bool = false, operations: Double? = nil, bytes: Int? = nil,
    memory: Memory? = nil, samples: [Sample]
  ) {
    self.name = name
    self.isRival = isRival
    self.memory = memory
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
