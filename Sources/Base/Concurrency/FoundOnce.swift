internal import Synchronization

/// A value that is found when it is first asked for, by one thread; others wait for it.
package final class FoundOnce<Value: Sendable>: Sendable {
  private let found = Mutex<Value?>(nil)

  /// Nothing found yet.
  package init() {}

  /// The value, which the closure finds at the first call.
  package func value(_ find: () throws -> Value) rethrows -> Value {
    try found.withLock { found in
      if let found { return found }
      let value = try find()
      found = value
      return value
    }
  }
}
