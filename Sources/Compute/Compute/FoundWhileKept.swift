internal import Synchronization

/// A copy that is made when it is first asked for and found again as long as somebody keeps it.
struct FoundWhileKept<Copy: AnyObject & Sendable>: ~Copyable, Sendable {
  private struct Reference { weak var copy: Copy? }
  private let reference = Mutex(Reference())

  /// The copy, which the closure makes where nobody keeps one.
  func copy(_ make: () -> Copy) -> Copy {
    reference.withLock { reference in
      if let copy = reference.copy { return copy }
      let copy = make()
      reference.copy = copy
      return copy
    }
  }

  /// Lets the next one who asks have a new copy: what it is of has changed.
  func forget() { reference.withLock { $0.copy = nil } }
}
