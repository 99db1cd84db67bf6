internal import Synchronization

/// Counts what a run on shapes alone would take: memory that is held at one time, and arithmetic.
package final class WorkLedger: Sendable {
  private struct Account {
    var live = 0
    var peak = 0
    var scratch = BorrowedBuffers()
    var work = Work()
  }

  private let account = Mutex(Account())

  /// A ledger without entries.
  package init() {}

  /// The most bytes that tensors held at one time.
  package var peakByteCount: Int { account.withLock { $0.peak } }

  /// The arithmetic.
  package var work: Work { account.withLock { $0.work } }

  /// Bytes of buffers that so many threads borrow inside operations.
  package func scratchByteCount(threads: Int) -> Int {
    account.withLock { $0.scratch.byteCount(threads: threads) }
  }

  func take(_ byteCount: Int) {
    account.withLock {
      $0.live += byteCount
      $0.work.writtenBytes += Double(byteCount)
      $0.peak = max($0.peak, $0.live)
    }
  }

  func giveBack(_ byteCount: Int) { account.withLock { $0.live -= byteCount } }

  /// Enters an operation: its arithmetic, and the buffers that it borrows, for all threads together and for
  /// each. Buffers are kept for the next operation.
  func enter(
    products: Int = 0, attention: Int = 0, scratch shared: Int = 0, ofThread: Int = 0
  ) {
    account.withLock {
      $0.work.productOperations += Double(products)
      $0.work.attentionOperations += Double(attention)
      $0.scratch.enter(shared: shared, ofThread: ofThread)
    }
  }
}

/// The memory of a tensor without elements; counted as long as something refers to it.
final class PlannedFloats: Sendable {
  /// Whether it stands for numbers rounded to bfloat16.
  let isRounded: Bool
  private let byteCount: Int
  private let ledger: WorkLedger
  private let rounded = FoundWhileKept<PlannedFloats>()

  init(count: Int, isRounded: Bool = false, in ledger: WorkLedger) {
    self.isRounded = isRounded
    byteCount = count * (isRounded ? MemoryLayout<UInt16>.stride : MemoryLayout<Float>.stride)
    self.ledger = ledger
    ledger.take(byteCount)
  }

  /// The rounded copy, one for all who keep it.
  func roundedCopy() -> PlannedFloats {
    let count = byteCount / MemoryLayout<Float>.stride
    return rounded.copy { PlannedFloats(count: count, isRounded: true, in: ledger) }
  }

  /// What numbers that were rounded take as floats.
  func widened() -> PlannedFloats {
    PlannedFloats(count: byteCount / MemoryLayout<UInt16>.stride, in: ledger)
  }

  /// Tells that they change.
  func willChange() { rounded.forget() }

  deinit { ledger.giveBack(byteCount) }
}
