public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

extension FilePath {
  /// Whether the path names anything, links followed.
  public var isThere: Bool { unsafe withPlatformString { unsafe access($0, F_OK) == 0 } }
}
