internal import CFileGuard
internal import JSON
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Bytes that views share: a read-only mapping of a whole file, or a block of memory; given back
/// when the last owner goes.
///
/// Pages of a mapping come from the page cache on first touch, so opening costs no reading. When
/// another program truncates the file, a touch raises SIGBUS; see ``installTruncationHandler(_:)``.
@safe final class ByteStorage: Sendable {
  private nonisolated(unsafe) let base: UnsafeRawPointer?
  /// Where the signal handler finds the mapping; nil for memory.
  private let guardSlot: Int32?
  let byteCount: Int
  /// The mapped file; nil for memory.
  let file: FilePath?

  /// Maps a file that isn't empty.
  init(mapping file: borrowing InputFile) throws(SafetensorsError) {
    byteCount = file.byteCount
    self.file = file.path
    let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      throw .cannotMap(file: file.path, byteCount: file.byteCount, reason: Errno(rawValue: errno))
    }
    unsafe base = UnsafeRawPointer(mapped)
    guardSlot = unsafe file_guard_add_mapping(mapped, byteCount, file.path.terminalText)
  }

  /// Copies bytes into memory of their own.
  init(copying bytes: RawSpan) {
    byteCount = bytes.byteCount
    file = nil
    guardSlot = nil
    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe copy.copyMemory(from: start, byteCount: source.count)
      }
    }
    unsafe base = UnsafeRawPointer(copy)
  }

  deinit {
    guard let base = unsafe base else { return }
    if let guardSlot {
      file_guard_drop_mapping(guardSlot)
      unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount)
    } else {
      unsafe base.deallocate()
    }
  }

  /// Every byte; the span cannot outlive this storage.
  var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: byteCount))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }
}

/// Makes a read of a mapped file that another program truncated, or whose disk fails, end the
/// process: one line on standard error with the file's name, unfinished outputs removed, status 74.
///
/// Without it the system's signal ends the process without a word. For commands, once at their
/// start.
///
/// - Parameter prefix: begins the line, such as `glance-merge: `.
public func installTruncationHandler(_ prefix: String) {
  unsafe file_guard_install_truncation_handler(prefix)
}

extension FilePath {
  /// The path with what a terminal might act on replaced: for a handler that can't do it itself.
  fileprivate var terminalText: String {
    String(
      String.UnicodeScalarView(string.unicodeScalars.map { $0.isUnsafeOnTerminals ? "?" : $0 }))
  }
}
