#if canImport(Glibc)
  internal import Glibc
#endif

/// Memory for numbers. Large pieces have pages of their own, which go back to the system when they are
/// freed: the C library would keep them for requests that need other sizes, so that a program's memory
/// depended on the order of its work. They are large pages where the system has such, which are made
/// in a fraction of the time that small ones take.
package enum Pages {
  /// From so many bytes on a piece has pages of its own.
  private static let ownByteCount = 1 << 18

  /// Memory of unspecified contents that begins at a multiple of 64 bytes.
  package static func allocate(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    guard byteCount >= ownByteCount else {
      return unsafe .allocate(byteCount: byteCount, alignment: 64)
    }
    let start = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      // As where the standard library's own memory runs out.
      fatalError("out of memory: \(byteCount) bytes")
    }
    // Without them it works too.
    unsafe madvise(start, byteCount, MADV_HUGEPAGE)
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  /// Gives a piece back; it must be whole.
  package static func deallocate(_ memory: UnsafeMutableRawBufferPointer) {
    if unsafe memory.count >= ownByteCount {
      unsafe munmap(memory.baseAddress, memory.count)
    } else {
      unsafe memory.deallocate()
    }
  }
}
