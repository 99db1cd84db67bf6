internal import CKernels
internal import Concurrency
internal import Synchronization

/// A loop of about a millisecond that keeps a processor's vector units busy from its first-level cache.
///
/// A loop that waits for its own results would not do: a neighbour on the other half of the core takes
/// units, which such a loop has to spare.
enum CoreProbe {
  private static let steps = 48
  private static let repetitions = 1000

  /// How often the loop runs in a second of computing, on the slowest of the processors in use.
  static func rate() -> Double {
    let slowest = Mutex(Double.infinity)
    let threads = Parallel.threadCount
    Parallel.forEach(threads, work: .max) { _ in
      let rate = 1 / seconds()
      slowest.withLock { $0 = min($0, rate) }
    }
    return slowest.withLock { $0 }
  }

  private static func seconds() -> Double {
    let (rows, columns) = (Int(CK_TILE_ROWS), Int(CK_TILE_COLUMNS))
    let level = ck_best_product_level()
    return unsafe Scratch.withFloats(steps * (rows + columns) + rows * columns) { memory in
      let right = unsafe memory + steps * rows
      let result = unsafe right + steps * columns
      unsafe memory.update(repeating: 0.5, count: steps * (rows + columns))
      let begin = Moment.seconds(CLOCK_THREAD_CPUTIME_ID)
      for _ in 0..<repetitions {
        unsafe ck_product_tile_f32(level, memory, right, steps, result, columns, rows, columns, 0)
      }
      return Moment.seconds(CLOCK_THREAD_CPUTIME_ID) - begin
    }
  }
}

#if canImport(Glibc)
  internal import Glibc
#endif
