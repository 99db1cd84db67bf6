internal import Synchronization

extension Parallel {
  /// Runs the body for 0, 1 … count-1, several at a time, to the end; then throws the error of the
  /// lowest index, whichever thread met it.
  package static func forEachThrowing<Failure: Error>(
    _ count: Int, work: Int, _ body: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    let first = Mutex<(index: Int, error: Failure)?>(nil)
    forEach(count, work: work) { index in
      do throws(Failure) { try body(index) } catch {
        first.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
      }
    }
    if let failure = first.withLock({ $0 }) { throw failure.error }
  }
}
