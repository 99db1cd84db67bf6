internal import Synchronization

extension Parallel {
  /// What the body makes of 0, 1 … count-1, in this order; see ``forEach(_:work:_:)``. Every index
  /// is tried; then the error of the lowest one is thrown, whichever thread met it.
  package static func map<Value: Sendable, Failure: Error>(
    _ count: Int, work: Int, _ body: (Int) throws(Failure) -> Value
  ) throws(Failure) -> [Value] {
    let results = Mutex([Result<Value, Failure>?](repeating: nil, count: count))
    forEach(count, work: work) { index in
      let result: Result<Value, Failure>
      do throws(Failure) { result = .success(try body(index)) } catch { result = .failure(error) }
      results.withLock { $0[index] = result }
    }
    var values: [Value] = []
    values.reserveCapacity(count)
    for case let result? in results.withLock({ $0 }) { values.append(try result.get()) }
    return values
  }
}
