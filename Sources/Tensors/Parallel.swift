internal import Dispatch
internal import Synchronization

/// How many threads the loops of this process use together. Results do not depend on it.
public enum Parallel {
  private static let width = Atomic<Int>(0)

  /// Number of threads; at first, and after setting 0, the number of processors.
  public static var threadCount: Int {
    get {
      let set = width.load(ordering: .relaxed)
      return set > 0 ? set : processorCount
    }
    set { width.store(max(0, newValue), ordering: .relaxed) }
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
    guard threads > 1, work > 200_000 else {
      for index in 0..<count { body(index) }
      return
    }
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(body) { body in
      // Indices write to places of their own, and the call returns after the last of them.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        while true {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard index < count else { return }
          unsafe body(index)
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

#if canImport(Glibc)
  internal import Glibc
  private let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
#endif
