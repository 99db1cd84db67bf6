internal import CFileGuard
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// The unfinished output beside a destination: locked, so that sweeping leaves it, and known to the signal
/// handler until it is closed.
final class Temporary: Sendable {
  /// Its name, with the NUL.
  let name: [CChar]
  let descriptor: Int32
  private let guardSlot: Int32
  private let state = Mutex(true)

  /// - Parameters:
  ///   - name: its name, with the NUL.
  ///   - descriptor: what it is open as; closed with this.
  ///   - guardSlot: the slot in which the signal handler has it.
  init(name: [CChar], descriptor: Int32, guardSlot: Int32) {
    self.name = name
    self.descriptor = descriptor
    self.guardSlot = guardSlot
  }

  /// Whether it was neither given its name nor given up.
  var isOpen: Bool { state.withLock { $0 } }

  /// Runs the last step and closes everything, once.
  func finish(_ lastStep: () -> Void) {
    state.withLock { isOpen in
      guard isOpen else { return }
      isOpen = false
      lastStep()
      file_guard_drop_temporary(guardSlot)
      close(descriptor)
    }
  }
}
