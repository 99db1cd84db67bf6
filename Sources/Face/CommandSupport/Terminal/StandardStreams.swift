#if canImport(Glibc)
  internal import Glibc
#endif

/// Standard input, output and error as a program finds them.
enum StandardStreams {
  /// Fills those that the parent process closed, so that nothing that is opened later takes their place: what is
  /// printed would go into it. They are open the wrong way, and to read or to write them still fails.
  static func fill() {
    for (descriptor, mode) in [(Int32(0), O_WRONLY), (1, O_RDONLY), (2, O_RDONLY)]
    where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest that is free: this one, since those below are open.
      _ = open("/dev/null", mode)
    }
  }
}
