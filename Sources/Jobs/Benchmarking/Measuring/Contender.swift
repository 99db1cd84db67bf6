/// Something that is timed against others.
package struct Contender {
  /// What it is, for people.
  package let name: String
  /// Whether it is another program's, which ours are held against by name.
  package let isRival: Bool
  /// Floating-point operations of a run, where its work is counted so.
  package let operations: Double?
  /// Bytes that a run takes in, where its work is counted so.
  package let bytes: Int?
  /// Memory that a run takes, where another process watched itself.
  package let memory: Timing.Memory?
  /// What comes before every run and isn't timed.
  package let prepare: () throws -> Void
  /// What comes after every run and isn't timed.
  package let finish: () -> Void
  /// A run.
  package let run: Run

  /// Who times a run.
  package enum Run {
    /// The stopwatch.
    case here(() throws -> Void)
    /// Another process, which tells how long its clocks went.
    case elsewhere(() throws -> Moment)
  }

  /// A contender whose runs are this closure.
  package init(
    name: String, operations: Double? = nil, bytes: Int? = nil,
    prepare: @escaping () throws -> Void = {}, finish: @escaping () -> Void = {},
    run: @escaping () throws -> Void
  ) {
    self.name = name
    self.operations = operations
    self.bytes = bytes
    self.prepare = prepare
    self.finish = finish
    self.run = .here(run)
    isRival = false
    memory = nil
  }

  /// A rival in another process, which times itself.
  package init(
    rival name: String, operations: Double, memory: Timing.Memory? = nil,
    run: @escaping () throws -> Moment
  ) {
    self.name = name
    self.operations = operations
    self.memory = memory
    self.run = .elsewhere(run)
    isRival = true
    bytes = nil
    prepare = {}
    finish = {}
  }
}
