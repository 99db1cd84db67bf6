internal import CKernels
internal import Concurrency

/// Floats rounded to bfloat16, in half of their memory: to be kept, not to compute with.
@safe final class RoundedFloats: @unchecked Sendable {
  private let buffer: UnsafeMutableBufferPointer<UInt16>
  /// Numbers that a thread takes at a time.
  private static let portion = 1 << 15

  /// Rounds to nearest, ties to even.
  init(_ floats: UnsafeBufferPointer<Float>) {
    let count = floats.count
    unsafe buffer = Pages.allocate(byteCount: count * MemoryLayout<UInt16>.stride)
      .bindMemory(to: UInt16.self)
    guard let from = floats.baseAddress, let to = unsafe buffer.baseAddress else { return }
    Parallel.forEachRange(of: count, size: Self.portion, work: 2 * count) { range in
      unsafe ck_f32_to_bf16(from + range.lowerBound, to + range.lowerBound, range.count)
    }
  }

  /// The numbers as floats.
  func widened() -> HostFloats {
    let count = unsafe buffer.count
    let floats = HostFloats(count: count)
    guard let from = unsafe buffer.baseAddress, let to = unsafe floats.buffer.baseAddress else {
      return floats
    }
    Parallel.forEachRange(of: count, size: Self.portion, work: 2 * count) { range in
      unsafe ck_bf16_to_f32(from + range.lowerBound, to + range.lowerBound, range.count)
    }
    return floats
  }

  deinit { unsafe Pages.deallocate(UnsafeMutableRawBufferPointer(buffer)) }
}
