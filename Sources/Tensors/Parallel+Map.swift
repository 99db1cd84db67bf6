internal import Synchronization

extension Parallel {
  /// What the body makes of 0, 1 … count-1, in this order; see ``forEach(_:work:_:)``.
  package static func map<Result: Sendable>(
    _ count: Int, work: Int, _ body: (Int) -> Result
  ) -> [Result] {
    let results = Mutex([Result?](repeating: nil, count: count))
    forEach(count, work: work) { index in
      let result = body(index)
      results.withLock { $0[index] = result }
    }
    return results.withLock { $0.compactMap(\.self) }
  }
}
