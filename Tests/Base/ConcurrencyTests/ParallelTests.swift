import Concurrency
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("A parallel loop")
struct ParallelTests {
  /// Which threads ran the two indices of a loop. Each waits for the other to begin, up to ten
  /// seconds: two threads at once meet, one alone never does.
  private func meeting() -> (threads: Set<UInt>, met: Int) {
    let begun = Atomic<Int>(0)
    let met = Atomic<Int>(0)
    let threads = Mutex<Set<UInt>>([])
    Parallel.forEach(2, work: 0) { _ in
      threads.withLock { _ = $0.insert(UInt(pthread_self())) }
      begun.add(1, ordering: .sequentiallyConsistent)
      guard Parallel.threadCount > 1 else { return }
      for _ in 0..<10_000 where begun.load(ordering: .sequentiallyConsistent) < 2 { usleep(1000) }
      met.add(begun.load(ordering: .sequentiallyConsistent) == 2 ? 1 : 0, ordering: .relaxed)
    }
    return (threads.withLock { $0 }, met.load(ordering: .relaxed))
  }

  @Test("of width 1 stays on the calling thread")
  func narrow() {
    let (result, widest) = Parallel.withThreads(1) { meeting() }
    #expect(result.threads == [UInt(pthread_self())])
    #expect(widest == 1)
  }

  @Test(
    "of width 2 runs two indices at once", .enabled(if: sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1))
  func wide() {
    let (result, widest) = Parallel.withThreads(2) { meeting() }
    #expect(result.threads.count == 2)
    #expect(result.met == 2)
    #expect(widest == 2)
  }

  @Test("is divided as its surroundings say, whatever runs beside it", arguments: 1...8)
  func widthsSideBySide(width: Int) {
    for _ in 0..<200 {
      let (seen, widest) = Parallel.withThreads(width) {
        Parallel.map(16, work: 0) { _ in Parallel.threadCount }
      }
      #expect(seen == Array(repeating: width, count: 16))
      #expect(widest == width)
    }
  }

  @Test("takes the inner of two widths, and the outer afterwards")
  func nested() {
    _ = Parallel.withThreads(3) {
      _ = Parallel.withThreads(5) { #expect(Parallel.threadCount == 5) }
      #expect(Parallel.threadCount == 3)
    }
  }

  @Test("runs every index once, for any width", arguments: [1, 2, 5, 64])
  func indices(width: Int) {
    let counts = Mutex([Int](repeating: 0, count: 23))
    let (_, widest) = Parallel.withThreads(width) {
      Parallel.forEach(23, work: 0) { index in counts.withLock { $0[index] += 1 } }
    }
    #expect(counts.withLock { $0 } == Array(repeating: 1, count: 23))
    // No more threads than indices.
    #expect(widest == min(width, 23))
  }

  private struct Refused: Error, Equatable { let index: Int }

  @Test("throws the error of the lowest index, and runs every lower one", arguments: [1, 3, 8])
  func errors(width: Int) {
    let ran = Mutex<Set<Int>>([])
    let (error, _) = Parallel.withThreads(width) {
      #expect(throws: Refused.self) {
        try Parallel.forEachThrowing(100, work: 0) { index throws(Refused) in
          ran.withLock { _ = $0.insert(index) }
          if index % 10 == 7 { throw Refused(index: index) }
        }
      }
    }
    #expect(error == Refused(index: 7))
    #expect(ran.withLock { $0 }.isSuperset(of: 0...7))
    if width == 1 { #expect(ran.withLock { $0 } == Set(0...7)) }
  }
}
