internal import Synchronization

/// A sum that several threads add to.
public final class Counter: Sendable {
  private let sum = Atomic<Int>(0)

  /// Zero.
  public init() {}

  /// Adds and answers the new sum.
  public func add(_ count: Int) -> Int { sum.wrappingAdd(count, ordering: .relaxed).newValue }
}
