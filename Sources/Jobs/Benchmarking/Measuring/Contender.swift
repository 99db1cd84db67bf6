/// Something that is timed against others.
package struct Contender {
  /// What it is, for people.
  package let name: String
  /// Floating-point operations of a run, where its work is counted so.
  package let operations: Double?
  /// Bytes that a run takes in, where its work is counted so.
  package let bytes: Int?
  /// What comes before every run and isn't timed.
  package let prepare: () throws -> Void
  /// What comes after every run and isn't timed.
  package let finish: () -> Void
  /// A run.
  package let run: () throws -> Void

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
    self.run = run
  }
}
