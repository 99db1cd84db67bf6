internal import CMPI

#if canImport(Glibc)
  internal import Glibc
#endif

/// Open MPI as what carries bytes: of one thread at a time.
///
/// Who waits asks again and again, and sleeps between, longer the longer it takes: Open MPI's own waits take a
/// whole processor from those who compute.
public struct OpenMPI: Transport {
  /// Which process this is.
  public let rank: Int
  /// How many there are.
  public let count: Int
  /// What the library calls itself.
  public let version: String
  /// Whether a wait of the first rank should end.
  private let shouldGiveUp: @Sendable () -> Bool
  /// Where parts of messages are while the library has them: never given back, since a wait that is given up leaves
  /// them to the library.
  private let rooms: Rooms

  private struct Rooms: @unchecked Sendable {
    let sent = UnsafeMutableRawBufferPointer.allocate(
      byteCount: OpenMPI.partByteCount, alignment: 64)
    let received = UnsafeMutableRawBufferPointer.allocate(
      byteCount: OpenMPI.partByteCount, alignment: 64)
  }

  /// Bytes of a part of a message: the library counts in 32 bits, and a wait begins anew with every part.
  private static let partByteCount = 1 << 22
  /// Turns of a wait without sleep.
  private static let busyTurnCount = 2000
  /// Microseconds of the longest sleep.
  private static let longestSleep: UInt32 = 1000

  /// Joins the other processes of a launch.
  ///
  /// - Parameters:
  ///   - launch: how this process was started.
  ///   - shouldGiveUp: asked while the first rank waits for another; the wait then throws ``RankError/stopped``.
  ///     The others wait for what the first one decides.
  /// - Throws: ``RankError`` where there is no Open MPI, or an old one.
  public init(
    joining launch: Launch, shouldGiveUp: @escaping @Sendable () -> Bool
  ) throws(RankError) {
    version = try Self.open(launch.libraries)
    var (rank, count): (Int32, Int32) = (0, 0)
    guard unsafe cm_join(&rank, &count) else { throw .lost(rank: 0, detail: Self.text) }
    (self.rank, self.count) = (Int(rank), Int(count))
    self.shouldGiveUp = shouldGiveUp
    unsafe rooms = Rooms()
  }

  private static var text: String { unsafe String(cString: cm_text()) }

  /// Opens the first library that is there; its version.
  private static func open(_ names: [String]) throws(RankError) -> String {
    var missing: RankError?
    for name in names {
      switch unsafe cm_open(name) {
      case CM_OPEN:
        guard let major = major(of: text), major >= 4 else {
          throw .otherLibrary(name: name, found: title(of: text))
        }
        return title(of: text)
      case CM_OTHER:
        throw .otherLibrary(
          name: name, found: text == name ? "a library without it" : title(of: text))
      default: missing = missing ?? .noLibrary(name: name, detail: text)
      }
    }
    throw missing ?? .noLibrary(name: "libmpi", detail: "no name to look for")
  }

  /// `Open MPI v4.1.4` of `Open MPI v4.1.4, package: Debian OpenMPI, …`.
  package static func title(of version: String) -> String {
    version.split(separator: ",").first.map(String.init) ?? version
  }

  /// 4 of `Open MPI v4.1.4, …`; nil of other libraries.
  package static func major(of version: String) -> Int? {
    let prefix = "Open MPI v"
    guard version.hasPrefix(prefix) else { return nil }
    return Int(version.dropFirst(prefix.count).prefix { $0.isNumber })
  }

  /// Sends bytes in parts.
  public func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) throws(RankError) {
    for start in stride(from: 0, to: bytes.count, by: Self.partByteCount) {
      let count = min(Self.partByteCount, bytes.count - start)
      var request: cm_request?
      unsafe rooms.sent.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
      guard unsafe cm_send(rooms.sent.baseAddress, Int32(count), Int32(rank), &request) else {
        throw .lost(rank: rank, detail: Self.text)
      }
      try unsafe wait(for: &request, rank)
    }
  }

  /// Receives bytes in parts.
  public func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws(RankError) {
    for start in stride(from: 0, to: bytes.count, by: Self.partByteCount) {
      let count = min(Self.partByteCount, bytes.count - start)
      var request: cm_request?
      guard unsafe cm_receive(rooms.received.baseAddress, Int32(count), Int32(rank), &request)
      else {
        throw .lost(rank: rank, detail: Self.text)
      }
      try unsafe wait(for: &request, rank)
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: rooms.received[..<count]))
    }
  }

  private func wait(for request: inout cm_request?, _ rank: Int) throws(RankError) {
    var (turns, sleep): (Int, UInt32) = (0, 1)
    while true {
      switch unsafe cm_test(&request) {
      case 1: return
      case 0: break
      default: throw .lost(rank: rank, detail: Self.text)
      }
      turns += 1
      guard turns > Self.busyTurnCount else {
        sched_yield()
        continue
      }
      if self.rank == 0, shouldGiveUp() { throw .stopped }
      usleep(sleep)
      sleep = min(Self.longestSleep, sleep * 2)
    }
  }

  /// Waits for the others to leave, too.
  public func leave() throws(RankError) {
    guard cm_leave() else { throw .lost(rank: rank, detail: Self.text) }
  }

  /// Ends all processes.
  public func abort(status: Int32) { cm_abort(status) }
}
