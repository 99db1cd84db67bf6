package import Files
internal import Synchronization
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Bytes that views share: a read-only mapping of a whole file, a block of memory, or a
/// ``TensorContent`` that makes them; given back when the last owner goes.
///
/// Pages of a mapping come from the page cache on first touch, so opening costs no reading. When
/// another program truncates the file, a touch raises SIGBUS; see ``MappedFile``.
@safe package final class ByteStorage: Sendable {
  private nonisolated(unsafe) let base: UnsafeRawPointer?
  /// The mapping that holds the bytes; nil for memory.
  private let mapping: MappedFile?
  let byteCount: Int
  /// The mapped file, or the one that the bytes are made from; nil for memory.
  let file: FilePath?
  /// What makes the bytes; nil when they are there.
  let content: (any TensorContent)?
  /// The bytes of ``content``, made whole for callers that need them in place.
  private let made = Mutex<ByteStorage?>(nil)

  /// Maps a file that isn't empty.
  package init(mapping file: borrowing InputFile) throws(FileError) {
    let mapping = try MappedFile(file)
    self.mapping = mapping
    byteCount = mapping.byteCount
    self.file = mapping.path
    content = nil
    unsafe base = mapping.start
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
    let memory = unsafe Self.zeros(byteCount)
    self.byteCount = byteCount
    file = nil
    content = nil
    mapping = nil
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
    mapping = nil
  }

  deinit {
    guard mapping == nil, let base = unsafe base else { return }
    if byteCount >= Self.ownPagesByteCount {
      unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount)
    } else {
      unsafe base.deallocate()
    }
  }

  /// Memory of as many bytes or more has pages of its own, which the system has back when it goes:
  /// allocators keep them, with holes between.
  private static let ownPagesByteCount = 1 << 20

  private static func zeros(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= ownPagesByteCount else {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
      unsafe memset(memory, 0, max(byteCount, 1))
      return unsafe memory
    }
    let pages = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let pages = unsafe pages, unsafe pages != MAP_FAILED else {
      preconditionFailure("out of memory: \(byteCount) bytes")
    }
    return unsafe pages
  }

  /// Every byte; the span cannot outlive this storage. Bytes that have to be made are made whole, and
  /// kept.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let storage = content == nil ? self : wholeContent()
      let span = unsafe RawSpan(
        _unsafeBytes: UnsafeRawBufferPointer(start: storage.base, count: byteCount))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Has the system read bytes of a mapped file that will be needed soon.
  func willNeed(_ range: Range<Int>) { mapping?.willNeed(range) }

  /// Tells the system that bytes of a mapped file here and there will be read, or that this is over.
  func expect(scatteredReads isScattered: Bool) { mapping?.expect(scatteredReads: isScattered) }

  /// Makes every byte of the content, once.
  func makeWhole() throws(FileError) {
    guard let content else { return }
    try made.withLock { made throws(FileError) in
      guard made == nil else { return }
      made = try ByteStorage(byteCount: byteCount) { output throws(FileError) in
        try content.read(0..<byteCount, into: &output)
      }
    }
  }

  /// The content in memory. Whoever can report an error calls ``makeWhole()`` before; here a damaged
  /// file ends the process the way a truncated one does.
  private func wholeContent() -> ByteStorage {
    do { try makeWhole() } catch { MappedFile.fail(error.description) }
    return made.withLock { $0 } ?? self
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
