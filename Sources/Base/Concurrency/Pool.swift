internal import Synchronization

/// Things that are costly to make and are lent to one thread at a time: memory, or what works in
/// memory of its own.
package final class Pool<Item: Sendable>: Sendable {
  private let free = Mutex<[Item]>([])
  private let make: @Sendable () -> Item

  /// A pool that makes an item when none is free.
  package init(_ make: @escaping @Sendable () -> Item) { self.make = make }

  /// Lends an item to the body, as the last body left it.
  package func withItem<Result, Failure>(
    _ body: (inout Item) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var item = free.withLock { $0.popLast() } ?? make()
    defer { free.withLock { $0.append(item) } }
    return try body(&item)
  }
}
