package import Synchronization

/// What a pure function of a name gave for the names before: the files of a folder repeat the names of
/// their tensors.
///
/// It stops to remember at some number of names, so that no folder makes it grow without end. Names are the
/// same when their bytes are. Inlinable, since it is generic and asked for every name of a file.
package final class NameMemo<Value: Sendable>: Sendable {
  /// Names apart by their lengths, so that threads seldom wait for each other.
  @usableFromInline let shelves: [Shelf]
  @usableFromInline let limit: Int

  @usableFromInline
  final class Shelf: Sendable {
    @usableFromInline let known = Mutex(Known())

    @inlinable init() {}
  }

  @usableFromInline
  struct Known {
    @usableFromInline var names: [String] = []
    @usableFromInline var values: [Value] = []
    @usableFromInline var index = UTF8Index()

    @inlinable init() {}

    @inlinable
    func value(of name: String) -> Value? {
      index.position(of: name) { names[$0] }.map { values[$0] }
    }

    /// Another thread may have been quicker.
    @inlinable
    mutating func add(_ name: String, _ value: Value) {
      let known = names
      guard index.insert(name, at: known.count, name: { known[$0] }) == nil else { return }
      names.append(name)
      values.append(value)
    }
  }

  /// Nothing remembered; at most `limit` names will be.
  @inlinable
  package init(limit: Int = 1 << 16) {
    let count = min(16, max(1, limit))
    shelves = (0..<count).map { _ in Shelf() }
    self.limit = limit / count
  }

  /// What the function gives for a name, remembered or found now.
  @inlinable
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
