internal import CFileGuard
internal import JSON
internal import Synchronization
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Bytes that views share: a read-only mapping of a whole file, a block of memory, or a
/// ``TensorContent`` that makes them; given back when the last owner goes.
///
/// Pages of a mapping come from the page cache on first touch, so opening costs no reading. When
/// another program truncates the file, a touch raises SIGBUS; see ``installTruncationHandler(_:)``.
@safe final class ByteStorage: Sendable {
  private nonisolated(unsafe) let base: UnsafeRawPointer?
  /// Where the signal handler finds the mapping; nil for memory.
  private let guardSlot: Int32?
  let byteCount: Int
  /// The mapped file, or the one that the bytes are made from; nil for memory.
  let file: FilePath?
  /// What makes the bytes; nil when they are there.
  let content: (any TensorContent)?
  /// The bytes of ``content``, made whole for callers that need them in place.
  private let made = Mutex<ByteStorage?>(nil)

  /// Maps a file that isn't empty.
  init(mapping file: borrowing InputFile) throws(SafetensorsError) {
    byteCount = file.byteCount
    self.file = file.path
    content = nil
    let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      throw .cannotMap(file: file.path, byteCount: file.byteCount, reason: Errno(rawValue: errno))
    }
    unsafe base = UnsafeRawPointer(mapped)
    guardSlot = unsafe file_guard_add_mapping(mapped, byteCount, file.path.terminalText)
  }

  /// Copies bytes into memory of their own.
  convenience init(copying bytes: RawSpan) {
    // The closure can't fail, and neither can this.
    self.init(byteCount: bytes.byteCount) { output in
      bytes.copy(into: &output)
    }
  }

  /// Memory that the body fills; it starts as zeros.
  init<Failure>(
    byteCount: Int, _ fill: (inout MutableRawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    unsafe memset(memory, 0, max(byteCount, 1))
    self.byteCount = byteCount
    file = nil
    content = nil
    guardSlot = nil
    unsafe base = UnsafeRawPointer(memory)
    var span = unsafe MutableRawSpan(_unsafeStart: memory, byteCount: byteCount)
    try fill(&span)
  }

  /// Bytes that are made when they are asked for.
  init(_ content: any TensorContent, byteCount: Int) {
    self.byteCount = byteCount
    self.content = content
    file = content.file
    unsafe base = nil
    guardSlot = nil
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

  /// Every byte; the span cannot outlive this storage. Bytes that have to be made are made whole, and
  /// kept.
  var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let storage = content == nil ? self : wholeContent()
      let span = unsafe RawSpan(
        _unsafeBytes: UnsafeRawBufferPointer(start: storage.base, count: byteCount))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Makes every byte of the content, once.
  func makeWhole() throws(SafetensorsError) {
    guard let content else { return }
    try made.withLock { made throws(SafetensorsError) in
      guard made == nil else { return }
      made = try ByteStorage(byteCount: byteCount) { output throws(SafetensorsError) in
        try content.read(0..<byteCount, into: &output)
      }
    }
  }

  /// The content in memory. Whoever can report an error calls ``makeWhole()`` before; here a damaged
  /// file ends the process the way a truncated one does.
  private func wholeContent() -> ByteStorage {
    do { try makeWhole() } catch { unsafe file_guard_fail(error.description.terminalText) }
    return made.withLock { $0 } ?? self
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
  fileprivate var terminalText: String { string.terminalText }
}

extension String {
  /// The text with what a terminal might act on replaced: for a handler that can't do it itself.
  fileprivate var terminalText: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.isUnsafeOnTerminals ? "?" : $0 }))
  }
}

extension RawSpan {
  /// Copies these bytes to the start of others.
  func copy(into output: inout MutableRawSpan) {
    unsafe withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
    }
  }
}
