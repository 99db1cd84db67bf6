public import JSON
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// The processes of a run that computes on several, as one of them sees it: what they tell each other.
///
/// The first one, rank 0, decides and writes; the others do what it asks for, until it ends the run.
public final class Ranks: Sendable {
  private let transport: any Transport
  /// Which process this is.
  public let rank: Int
  /// How many there are.
  public let count: Int
  private let over = Atomic(false)
  private let left = Atomic(false)

  /// The processes that a transport connects.
  public init(_ transport: any Transport) {
    self.transport = transport
    (rank, count) = (transport.rank, transport.count)
  }

  /// Whether this is the one that decides and writes.
  public var isFirst: Bool { rank == 0 }

  /// Whether the first one has ended the run, and all know.
  public var isOver: Bool { over.load(ordering: .relaxed) }

  /// Notes that the first one has ended the run, and that all know or will know by a message on its way.
  public func end() { over.store(true, ordering: .relaxed) }

  /// Leaves the others, which do so too, and waits for them; once. Whoever has something to do that they don't
  /// take part in should leave before, since they can't wait without using their processors.
  public func leave() throws(RankError) {
    end()
    guard !left.exchange(true, ordering: .relaxed) else { return }
    try transport.leave()
  }

  /// Ends all processes.
  public func abort(status: Int32) { transport.abort(status: status) }

  /// The name of the machine that this process runs on.
  public static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "an unknown machine" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Sends bytes; see ``Transport/send(_:to:)``.
  public func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) throws(RankError) {
    try unsafe transport.send(bytes, to: rank)
  }

  /// Receives as many bytes as the buffer has.
  public func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws(RankError) {
    try unsafe transport.receive(bytes, from: rank)
  }

  /// Sends a document.
  public func send(_ value: JSONValue, to rank: Int) throws {
    let text = Array(value.text().utf8)
    var length = UInt64(text.count).littleEndian
    try unsafe withUnsafeBytes(of: &length) { bytes in
      try unsafe send(bytes, to: rank)
    }
    try unsafe text.withUnsafeBytes { bytes in
      try unsafe send(bytes, to: rank)
    }
  }

  /// Receives a document.
  public func receiveValue(from rank: Int) throws -> JSONValue {
    var length: UInt64 = 0
    try unsafe withUnsafeMutableBytes(of: &length) { bytes in
      try unsafe receive(bytes, from: rank)
    }
    guard let count = Int(exactly: UInt64(littleEndian: length)), count < 1 << 30 else {
      throw RankError.lost(rank: rank, detail: "it speaks another version of this program")
    }
    var text = [UInt8](repeating: 0, count: count)
    try unsafe text.withUnsafeMutableBytes { bytes in
      try unsafe receive(bytes, from: rank)
    }
    guard let value = try? unsafe JSONValue(parsing: text.span.bytes) else {
      throw RankError.lost(rank: rank, detail: "it speaks another version of this program")
    }
    return value
  }

  /// Gives a document of the first rank to all.
  ///
  /// - Parameter value: what is given; on other ranks nil.
  /// - Returns: what the first one gives.
  /// - Throws: ``RankError``.
  public func broadcast(_ value: JSONValue?) throws -> JSONValue {
    var value = value
    try broadcast(
      among: Array(0..<count),
      from: { value = try receiveValue(from: $0) },
      to: { try send(value ?? .null, to: $0) })
    return value ?? .null
  }

  /// Gives bytes of one rank to others: each passes them on to half of those that are left.
  ///
  /// - Parameters:
  ///   - bytes: what is given, or where it goes.
  ///   - ranks: who takes part, this one too; the first of them gives.
  /// - Throws: ``RankError``.
  public func broadcast(
    _ bytes: UnsafeMutableRawBufferPointer, among ranks: [Int]
  ) throws {
    try broadcast(
      among: ranks, from: { try unsafe receive(bytes, from: $0) },
      to: { try unsafe send(UnsafeRawBufferPointer(bytes), to: $0) })
  }

  private func broadcast(
    among ranks: [Int], from receive: (Int) throws -> Void,
    to send: (Int) throws -> Void
  ) throws {
    guard let place = ranks.firstIndex(of: rank) else { return }
    var distance = 1
    while distance < ranks.count, place & distance == 0 { distance <<= 1 }
    if place > 0 { try receive(ranks[place - distance]) }
    distance >>= 1
    while distance > 0 {
      if place + distance < ranks.count { try send(ranks[place + distance]) }
      distance >>= 1
    }
  }
}
