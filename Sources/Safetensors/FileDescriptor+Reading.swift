public import SystemPackage

extension FileDescriptor {
  /// Reads from here to the end, for files that are small.
  ///
  /// - Parameter limit: the most bytes that are taken.
  /// - Returns: the bytes.
  /// - Throws: what the system says, `Errno.fileTooLarge` when there is more than the limit.
  public func readToEnd(atMost limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try unsafe block.withUnsafeMutableBytes { try unsafe read(into: $0) }
      if count == 0 { return bytes }
      bytes += block.prefix(count)
      guard bytes.count <= limit else { throw Errno.fileTooLarge }
    }
  }
}
