import CSystem
public import MessagePassing
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// Ranks that are threads of the test.
public enum LocalRanks {
  /// Runs the body on every rank at the same time.
  ///
  /// - Parameters:
  ///   - count: how many there are.
  ///   - body: what each does.
  /// - Returns: what came of it, by rank.
  public static func run<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Ranks) throws -> Value
  ) -> [Result<Value, any Error>] {
    let post = Post()
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    let threads = (0..<count).map { rank in
      // Threads of their own: those of a pool might be fewer than wait for each other.
      Thread {
        let ranks = Ranks(LocalTransport(rank: rank, count: count, post: post))
        let result = Result { try body(ranks) }
        results.withLock { $0[rank] = result }
      }
    }
    for thread in threads { thread.join() }
    return results.withLock { $0.compactMap(\.self) }
  }
}

/// Messages on their way.
private final class Post: Sendable {
  private let boxes = Mutex<[[Int]: [[UInt8]]]>([:])

  func put(_ bytes: [UInt8], from: Int, to: Int) {
    boxes.withLock { $0[[from, to], default: []].append(bytes) }
  }

  /// The next message between two ranks; waits for it.
  func take(from: Int, to: Int) -> [UInt8] {
    while true {
      let found = boxes.withLock { boxes -> [UInt8]? in
        guard let first = boxes[[from, to]]?.first else { return nil }
        boxes[[from, to]]?.removeFirst()
        return first
      }
      if let found { return found }
      usleep(20)
    }
  }
}

private struct LocalTransport: Transport {
  let rank: Int
  let count: Int
  let post: Post

  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) {
    post.put(unsafe Array(bytes), from: self.rank, to: rank)
  }

  func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws(RankError) {
    let message = post.take(from: rank, to: self.rank)
    guard message.count == bytes.count else {
      throw .lost(
        rank: rank, detail: "expected \(bytes.count) bytes, received \(message.count)")
    }
    unsafe bytes.copyBytes(from: message)
  }

  func leave() {}
  func abort(status: Int32) {}
}

/// A thread of the system.
@safe private final class Thread: @unchecked Sendable {
  private var handle = pthread_t()
  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, 8 << 20)
    let this = Unmanaged.passRetained(self)
    _ = unsafe pthread_create(
      &handle, &attributes,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<Thread>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, this.toOpaque())
  }

  func join() { unsafe pthread_join(handle, nil) }
}
