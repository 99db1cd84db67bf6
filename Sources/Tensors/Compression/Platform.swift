#if canImport(Glibc)
  internal import Glibc
#endif

/// How many bits `count` of `total` equal symbols take when each is coded by itself.
func bitCount(_ count: UInt32, of total: Int) -> Int {
  count == 0 ? 0 : Int(Double(count) * log2(Double(total) / Double(count)))
}

/// Whether two blocks hold the same bytes.
func isEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  unsafe memcmp(left, right, count) == 0
}
