internal import Concurrency

/// Floats in this machine's memory, given back as soon as nothing refers to them.
@safe final class HostFloats: @unchecked Sendable {
  /// All of them.
  let buffer: UnsafeMutableBufferPointer<Float>
  /// Their rounded copy, one for all who keep it.
  private let rounded = FoundWhileKept<RoundedFloats>()
  /// Their copy where another engine computes.
  let onDevice = DeviceCopy()

  /// No floats: what stands in for memory that is being changed.
  static let none = HostFloats(count: 0)

  /// Memory of unspecified contents.
  init(count: Int) {
    unsafe buffer = Pages.allocate(byteCount: count * MemoryLayout<Float>.stride)
      .bindMemory(to: Float.self)
  }

  /// A copy.
  convenience init(copying other: HostFloats) {
    self.init(count: unsafe other.buffer.count)
    _ = unsafe buffer.update(fromContentsOf: other.buffer)
  }

  /// The rounded copy.
  func roundedCopy() -> RoundedFloats {
    rounded.copy { unsafe RoundedFloats(UnsafeBufferPointer(buffer)) }
  }

  /// Tells that they change.
  func willChange() {
    rounded.forget()
    onDevice.forget()
  }

  deinit { unsafe Pages.deallocate(UnsafeMutableRawBufferPointer(buffer)) }
}
