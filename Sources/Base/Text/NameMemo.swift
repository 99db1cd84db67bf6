internal import Synchronization

/// What a pure function of a name gave for the names before: the files of a folder repeat the names of
/// their tensors.
///
/// It stops to remember at some number of names, so that no folder makes it grow without end. Names are the
/// same when their bytes are.
package final class NameMemo<Value: Sendable>: Sendable {
  private let known = Mutex(Known())
  private let limit: Int

  private struct Known {
    private(set) var names: [String] = []
    private var values: [Value] = []
    private var index = UTF8Index()

    func value(of name: String) -> Value? {
      index.position(of: name) { names[$0] }.map { values[$0] }
    }

    /// Another thread may have been quicker.
    mutating func add(_ name: String, _ value: Value) {
      guard Self.isNew(name, among: names, &index) else { return }
      names.append(name)
      values.append(value)
    }

    private static func isNew(
      _ name: String, among names: [String], _ index: inout UTF8Index
    ) -> Bool {
      index.insert(name, at: names.count, name: { names[$0] }) == nil
    }
  }

  /// Nothing remembered; at most `limit` names will be.
  package init(limit: Int = 1 << 16) { self.limit = limit }

  /// What the function gives for a name, remembered or found now.
  package func value(of name: String, _ find: (String) -> Value) -> Value {
    if let found = known.withLock({ $0.value(of: name) }) { return found }
    let value = find(name)
    known.withLock { known in
      if known.names.count < limit { known.add(name, value) }
    }
    return value
  }
}
