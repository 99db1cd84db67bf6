internal import Dispatch
internal import Synchronization

/// How many threads loops use together. Results do not depend on it.
public enum Parallel {
  private static let width = Atomic<Int>(0)
  @TaskLocal private static var scope: Scope?

  /// Number of threads: what ``withThreads(_:_:)`` around says, else what ``useThreads(_:)`` said,
  /// else the number of processors.
  public static var threadCount: Int {
    if let scope { return scope.threadCount }
    let set = width.load(ordering: .relaxed)
    return set > 0 ? set : processorCount
  }

  /// Sets the number of threads of the whole process: for a command, which does it once.
  public static func useThreads(_ count: Int) { width.store(max(0, count), ordering: .relaxed) }

  /// What runs within one call of ``withThreads(_:_:)``.
  private final class Scope: Sendable {
    let threadCount: Int
    let widest = Atomic<Int>(1)

    init(threadCount: Int) { self.threadCount = threadCount }
  }

  /// Runs the body with loops of this many threads, however small their work; what else the process
  /// does keeps its own width. It is there to show that results do not depend on it.
  ///
  /// - Returns: the body's result, and the most threads that one of its loops was divided among.
  package static func withThreads<Result>(
    _ count: Int, _ body: () throws -> Result
  ) rethrows -> (result: Result, widest: Int) {
    let scope = Scope(threadCount: max(1, count))
    let result = try $scope.withValue(scope, operation: body)
    return (result, scope.widest.load(ordering: .relaxed))
  }

  /// Runs the body for 0, 1 … count-1, several at a time and in no particular order. What an index
  /// computes must not depend on the thread it runs on; then neither does the result.
  ///
  /// - Parameters:
  ///   - count: number of indices.
  ///   - work: roughly how many arithmetic operations all indices take together; small work runs
  ///     on the calling thread, where starting others would cost more.
  ///   - body: the work of one index.
  public static func forEach(_ count: Int, work: Int, _ body: (Int) -> Void) {
    let threads = min(threadCount, count)
    let scope = scope
    guard threads > 1, work > 200_000 || scope != nil else {
      for index in 0..<count { body(index) }
      return
    }
    scope?.widest.max(threads, ordering: .relaxed)
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(body) { body in
      // Indices write to places of their own, and the call returns after the last of them.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        // The other threads do not see what is local to the caller's task.
        $scope.withValue(scope) {
          while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            unsafe body(index)
          }
        }
      }
    }
  }

  /// Runs the body over consecutive ranges that cover `0..<count`; the ranges depend on `count` and
  /// `size` only.
  public static func forEachRange(
    of count: Int, size: Int, work: Int, _ body: (Range<Int>) -> Void
  ) {
    forEach((count + size - 1) / size, work: work) { index in
      body(index * size..<min(count, (index + 1) * size))
    }
  }
}

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

  /// Runs the body for 0, 1 … count-1, several at a time; see ``forEach(_:work:_:)``. After an error
  /// only lower indices are begun; then the error of the lowest one is thrown, whichever thread met it.
  package static func forEachThrowing<Failure: Error>(
    _ count: Int, work: Int, _ body: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    let first = Mutex<(index: Int, error: Failure)?>(nil)
    forEach(count, work: work) { index in
      guard first.withLock({ index < $0?.index ?? .max }) else { return }
      do throws(Failure) { try body(index) } catch {
        first.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
      }
    }
    if let failure = first.withLock({ $0 }) { throw failure.error }
  }
}

#if canImport(Glibc)
  internal import Glibc
  private let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
#endif
