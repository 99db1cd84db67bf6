#if canImport(Glibc)
  internal import Glibc
#endif

/// A variable of the environment; nil where it isn't set.
func variable(_ name: String) -> String? {
  unsafe getenv(name).map { unsafe String(cString: $0) }
}
