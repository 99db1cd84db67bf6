internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Bytes that views share: a read-only mapping of a whole file, or a block of memory; given back
/// when the last owner goes.
///
/// Pages of a mapping come from the page cache on first touch, so opening costs no reading.
@safe final class ByteStorage: Sendable {
  private nonisolated(unsafe) let base: UnsafeRawPointer?
  private let isMapped: Bool
  let byteCount: Int

  /// Maps a file.
  init(mapping file: FilePath) throws(Errno) {
    let descriptor: FileDescriptor
    do { descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec) } catch {
      throw error as? Errno ?? .ioError
    }
    defer { try? descriptor.close() }
    let size: Int64
    do { size = try descriptor.seek(offset: 0, from: .end) } catch {
      throw error as? Errno ?? .ioError
    }
    byteCount = Int(size)
    isMapped = true
    guard byteCount > 0 else {
      unsafe base = nil
      return
    }
    guard let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor.rawValue, 0),
      unsafe mapped != MAP_FAILED
    else { throw Errno(rawValue: errno) }
    unsafe base = UnsafeRawPointer(mapped)
  }

  /// Copies bytes into memory of their own.
  init(copying bytes: RawSpan) {
    byteCount = bytes.byteCount
    isMapped = false
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
    if isMapped {
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
