/// Where the parts of a buffer begin, each at a multiple of 64 bytes.
struct BufferPlan {
  /// Bytes of all parts so far.
  private(set) var byteCount = 0

  /// Where the next part begins, of so many bytes.
  mutating func place(_ count: Int) -> Int {
    defer { byteCount += count.roundedUp(to: 64) }
    return byteCount
  }
}
