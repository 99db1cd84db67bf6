internal import Synchronization

/// How many bytes were read so far, told to whoever shows it.
public final class ReadingProgress: Sendable {
  private let done = Atomic<Int>(0)
  private let show: @Sendable (Int) -> Void

  /// Progress that calls the closure with the bytes read so far, from any thread.
  public init(_ show: @escaping @Sendable (Int) -> Void) { self.show = show }

  func add(_ byteCount: Int) {
    show(done.add(byteCount, ordering: .relaxed).newValue)
  }
}
