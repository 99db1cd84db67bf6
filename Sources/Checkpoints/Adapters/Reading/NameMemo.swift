internal import Synchronization
internal import Text

/// What a pure function of a name gave for the names before: the files of a folder repeat the names of
/// their tensors.
///
/// It stops to remember at some number of names, so that no folder makes it grow without end. Names are the
/// same when their bytes are. It is where it is asked for every name of a file: another module would ask it
/// without knowing what values are.
package final class NameMemo<Value: Sendable>: Sendable {
  /// Names apart by their lengths, so that threads seldom wait for each other.
  private let shelves: [Shelf]
  private let limit: Int

  private final class Shelf: Sendable {
    let known = Mutex(Known())
  }

  private struct Known {
    var names: [String] = []
    var values: [Value] = []
    var index = UTF8Index()

    func value(of name: String) -> Value? {
      index.position(of: name) { names[$0] }.map { values[$0] }
    }

    /// Another thread may have been quicker.
    mutating func add(_ name: String, _ value: Value) {
      let known = names
      guard index.insert(name, at: known.count, name: { known[$0] }) == nil else { return }
      names.append(name)
      values.append(value)
    }
  }

  /// Nothing remembered; at most `limit` names will be.
  package init(limit: Int = 1 << 16) {
    let count = min(16, max(1, limit))
    shelves = (0..<count).map { _ in Shelf() }
    self.limit = limit / count
  }

  /// What the function gives for a name, remembered or found now.
  package func value(of name: String, _ find: (String) -> Value) -> Value {
    let shelf = shelves[name.utf8.count % shelves.count]
    if let found = shelf.known.withLock({ $0.value(of: name) }) { return found }
    let value = find(name)
    shelf.known.withLock { known in
      if known.names.count < limit { known.add(name, value) }
    }
    return value
  }
}
