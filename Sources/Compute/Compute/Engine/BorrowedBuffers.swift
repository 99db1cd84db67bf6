/// The buffers that operations borrow one after the other: each takes one for all threads together and one for
/// each thread. What an operation gave back the next one takes again, the large for the large: with `Scratch`,
/// there are as many as one operation needs, and the largest is as large as any's largest, the next as any's
/// second.
struct BorrowedBuffers {
  /// Bytes of the largest buffer.
  private var largest = 0
  /// Bytes of the largest that each thread has.
  private var ofThread = 0
  /// Bytes of the largest that was an operation's smallest.
  private var smallest = 0

  /// Enters an operation's buffers: the one that threads share, and that of each.
  mutating func enter(shared: Int, ofThread: Int) {
    largest = max(largest, shared, ofThread)
    self.ofThread = max(self.ofThread, ofThread)
    smallest = max(smallest, min(shared, ofThread))
  }

  /// Bytes of all of them for so many threads.
  func byteCount(threads: Int) -> Int { largest + (threads - 1) * ofThread + smallest }
}
