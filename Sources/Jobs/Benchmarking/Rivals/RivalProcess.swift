internal import JSON
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A program that answers a line with a line, in JSON, until nobody asks any more.
///
/// One socket is its input and its output. It stands outside of the terminal's group of processes: what a
/// person types ends this program, and the end of the socket the other.
final class RivalProcess {
  /// Bytes of an answer at most.
  private static let longestAnswer = 1 << 20

  private let program: String
  private let process: pid_t
  private let socket: FileDescriptor
  private var unread: [UInt8] = []
  private var hasEnded = false

  /// Starts a program, looked for as a shell does.
  init(_ words: [String]) throws(BenchmarkError) {
    program = words[0]
    var ends: [Int32] = [-1, -1]
    let status = unsafe socketpair(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
    guard status == 0 else {
      throw .cannotStart(program: program, reason: Errno(rawValue: errno))
    }
    defer { close(ends[1]) }
    socket = FileDescriptor(rawValue: ends[0])
    do {
      process = try ChildProcess.start(
        words, input: .descriptor(ends[1]), output: .descriptor(ends[1]), errors: .nothing,
        isOfOwnGroup: true)
    } catch {
      close(ends[0])
      throw error
    }
  }

  deinit { _ = end() }

  /// What it answers.
  ///
  /// - Throws: when it has ended, or answers something else than an object.
  func answer(_ request: JSONValue) throws(BenchmarkError) -> JSONValue {
    guard send(request.text(.compact) + "\n"), let line = readLine() else {
      throw .failed(program: program, status: end())
    }
    guard let answer = try? JSONValue(parsing: line), answer.object != nil else {
      throw .notAnswered(program: program, found: String(line.prefix(80)))
    }
    return answer
  }

  private func send(_ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      // Without a signal, where nobody reads any more.
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      bytes = bytes.dropFirst(count)
    }
    return true
  }

  /// The next line, or nil at the end; a line that is too long is cut.
  private func readLine() -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let end = unread.firstIndex(of: UInt8(ascii: "\n"))
      if end != nil || unread.count > Self.longestAnswer {
        let line = String(decoding: unread[..<(end ?? unread.endIndex)], as: UTF8.self)
        unread.removeSubrange(...(end ?? unread.endIndex - 1))
        return line
      }
      let count = unsafe buffer.withUnsafeMutableBytes { try? unsafe socket.read(into: $0) }
      guard let count, count > 0 else { return nil }
      unread += buffer[..<count]
    }
  }

  /// Ends it, where it hasn't by itself, and tells how it ended.
  private func end() -> Int32 {
    guard !hasEnded else { return 0 }
    hasEnded = true
    try? socket.close()
    // Nothing is lost with it. One that closed the socket has a moment to end as it means to.
    for _ in 0..<20 {
      if let status = ChildProcess.status(of: process, waits: false) { return status }
      usleep(10_000)
    }
    kill(process, SIGKILL)
    return ChildProcess.status(of: process, waits: true) ?? 0
  }
}
