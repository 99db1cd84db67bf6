#if canImport(Glibc)
  internal import Glibc
#endif

/// Work beside what the calling thread goes on with.
package enum Background {
  /// Starts work on a thread of its own, which nobody waits for: the process may end before it does.
  ///
  /// - Parameter work: what to do.
  /// - Returns: false where no thread could be started, and nothing happens.
  @discardableResult
  package static func start(_ work: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Work(work))
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
        }
        return nil
      }, box.toOpaque())
    guard status == 0 else {
      unsafe box.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
