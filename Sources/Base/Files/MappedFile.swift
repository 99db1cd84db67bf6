internal import CFileGuard
internal import JSON
package import SystemPackage
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// A read-only mapping of a whole file, given back with its owner.
///
/// Pages come from the page cache on first touch, so opening costs no reading. When another program
/// truncates the file, a touch raises SIGBUS: a command's handler then ends the process with the
/// file's name.
@safe package final class MappedFile: Sendable {
  /// The file.
  package let path: FilePath
  /// Its size when it was mapped.
  package let byteCount: Int
  /// Its bytes; valid while this value lives.
  package nonisolated(unsafe) let start: UnsafeRawPointer
  /// Where the signal handler finds the mapping.
  private let guardSlot: Int32

  /// Maps a file that isn't empty.
  ///
  /// - Throws: ``FileError/cannotMap(file:byteCount:reason:)``.
  package init(_ file: borrowing InputFile) throws(FileError) {
    path = file.path
    byteCount = file.byteCount
    let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      throw .cannotMap(file: file.path, byteCount: file.byteCount, reason: Errno(rawValue: errno))
    }
    unsafe start = UnsafeRawPointer(mapped)
    guardSlot = unsafe file_guard_add_mapping(mapped, byteCount, file.path.string.terminalText)
  }

  deinit {
    file_guard_drop_mapping(guardSlot)
    unsafe munmap(UnsafeMutableRawPointer(mutating: start), byteCount)
  }

  /// Linux reads of each such request at most the device's read-ahead or its largest transfer, and passes
  /// over the rest without a word (`force_page_cache_ra` in mm/readahead.c, since 4.10): 128 KiB is the
  /// least that devices come with.
  private static let requestByteCount = 128 << 10

  /// Has the system read bytes that will be needed soon, and waits only while the disk has its hands full.
  package func willNeed(_ range: Range<Int>) {
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    let first = range.lowerBound / pageSize * pageSize
    for begin in stride(from: first, to: range.upperBound, by: Self.requestByteCount) {
      // Without it the bytes are read when they are touched.
      unsafe madvise(
        UnsafeMutableRawPointer(mutating: start + begin),
        min(Self.requestByteCount, range.upperBound - begin), MADV_WILLNEED)
    }
  }

  /// Tells the system that bytes here and there will be read, each alone, so that it reads nothing around them;
  /// or that this is over.
  package func expect(scatteredReads isScattered: Bool) {
    unsafe madvise(
      UnsafeMutableRawPointer(mutating: start), byteCount, isScattered ? MADV_RANDOM : MADV_NORMAL)
  }

  /// Makes a read of a mapped file that another program truncated, or whose disk fails, end the
  /// process: one line on standard error with the file's name, unfinished outputs removed, status 74.
  ///
  /// Without it the system's signal ends the process without a word. For commands, once at their
  /// start.
  ///
  /// - Parameter prefix: begins the line, such as `glance-merge: `.
  package static func installTruncationHandler(_ prefix: String) {
    unsafe file_guard_install_truncation_handler(prefix)
  }

  /// Ends the process the way a truncated file does: for bytes that turn out damaged where nothing
  /// can be reported any more.
  package static func fail(_ message: String) -> Never {
    unsafe file_guard_fail(message.terminalText)
  }
}

extension String {
  /// The text with what a terminal might act on replaced: for a handler that can't do it itself.
  fileprivate var terminalText: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.isUnsafeOnTerminals ? "?" : $0 }))
  }
}
