/// A block of memory that one thread works in at a time.
@safe final class Memory: @unchecked Sendable {
  let start: UnsafeMutablePointer<UInt8>
  let byteCount: Int

  /// Memory of that many bytes, zeros at first.
  init(byteCount: Int) {
    self.byteCount = byteCount
    unsafe start = .allocate(capacity: max(byteCount, 1))
    unsafe start.initialize(repeating: 0, count: max(byteCount, 1))
  }

  deinit { unsafe start.deallocate() }

  /// Runs the body with the first bytes.
  func withBytes<Result, Failure>(
    _ count: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(count <= byteCount, "the bytes lie in the memory")
    return try body(unsafe RawSpan(_unsafeStart: start, byteCount: count))
  }

  /// Runs the body with the first bytes, which it may write.
  func withMutableBytes<Result, Failure>(
    _ count: Int, _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(count <= byteCount, "the bytes lie in the memory")
    var span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: count)
    return try body(&span)
  }
}
