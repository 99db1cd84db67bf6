import Synchronization

/// A sum that several threads add to.
final class Counter: Sendable {
  private let sum = Atomic<Int>(0)

  /// Adds and answers the new sum.
  func add(_ count: Int) -> Int { sum.wrappingAdd(count, ordering: .relaxed).newValue }
}
