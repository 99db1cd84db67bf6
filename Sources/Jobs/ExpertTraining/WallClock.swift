#if canImport(Glibc)
  internal import Glibc
#endif

/// The time of day, in seconds since 1970: for logs alone.
func secondsSince1970() -> Double {
  var now = timespec()
  unsafe clock_gettime(CLOCK_REALTIME, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
