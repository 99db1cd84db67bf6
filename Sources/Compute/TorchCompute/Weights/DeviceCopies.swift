internal import CTorch
internal import Compute
internal import Dispatch
internal import Synchronization

/// Copies blocks from mapped files to slots on a device, by way of memory that the device copies from itself.
///
/// Where the device has streams, a thread of its own puts the next block's bytes into that memory and has a second
/// stream copy them; processors copy on that thread; elsewhere a copy is done when it is asked for, behind all that
/// was computed.
final class DeviceCopies: BlockCopying, Sendable {
  private let session: TorchSession
  private let blocks: [StreamedBlock]
  private let byteCount: Int
  private let slots: Mutex<[Slot?]>
  private let stream: CopyStream
  private let queue = DispatchQueue(label: "glance.blocks", qos: .userInitiated)

  /// Slots of so many bytes, which are made when they are first needed.
  init(_ blocks: [StreamedBlock], slots count: Int, of byteCount: Int, on session: TorchSession) {
    self.session = session
    self.blocks = blocks
    self.byteCount = byteCount
    slots = Mutex(Array(repeating: nil, count: count))
    stream = CopyStream(session)
  }

  /// The slot's memory on the device, `[bytes]`.
  func memory(_ index: Int) throws -> TorchTensor { try slot(index).memory }

  private func slot(_ index: Int) throws -> Slot {
    try slots.withLock { slots in
      if let slot = slots[index] { return slot }
      let made = try Slot(byteCount, on: stream)
      slots[index] = made
      return made
    }
  }

  func release(_ index: Int) throws { try stream.record(slot(index).released, isCopying: false) }

  func copy(_ block: Int, to index: Int) throws {
    let (slot, block) = (try slot(index), blocks[block])
    session.count {
      $0.weights += block.parts.count
      $0.weightByteCount += block.byteCount
    }
    guard session.copiesBesideComputing else { return try slot.fill(block) }
    slot.begin()
    queue.async { slot.end { try slot.fill(block) } }
  }

  func await(_ index: Int) throws {
    let slot = try slot(index)
    try slot.waitUntilFilled()
    try stream.await(slot.copied, isCopying: false)
  }
}

/// The stream of copies; where the device has none, what is asked of it is done at once.
@safe private final class CopyStream: Sendable {
  let session: TorchSession
  private let made = Mutex<OpaquePointer?>(nil)

  init(_ session: TorchSession) { self.session = session }

  deinit {
    made.withLock { unsafe ct_free_stream(session.library, $0) }
  }

  /// Nil where the device has none.
  private var handle: OpaquePointer? {
    get throws {
      guard unsafe ct_has_streams(session.library, session.device) else { return nil }
      return try made.withLock { made in
        if let made = unsafe made { return unsafe made }
        guard let stream = unsafe ct_new_stream(session.library, session.device) else {
          throw TorchFailure.last
        }
        unsafe made = stream
        return unsafe stream
      }
    }
  }

  /// Puts an event behind what was recorded so far, to be copied or to be computed.
  func record(_ event: CopyEvent, isCopying: Bool) throws {
    let stream = unsafe isCopying ? try handle : nil
    guard unsafe ct_record(session.library, session.device, event.handle, stream) else {
      throw TorchFailure.last
    }
  }

  /// Has what is recorded from now on, to be copied or to be computed, wait for an event.
  func await(_ event: CopyEvent, isCopying: Bool) throws {
    let stream = unsafe isCopying ? try handle : nil
    guard unsafe ct_await(session.library, session.device, stream, event.handle) else {
      throw TorchFailure.last
    }
  }

  /// Has bytes copied to the beginning of a slot.
  func upload(_ bytes: UnsafeRawBufferPointer, to memory: TorchTensor) throws {
    guard let start = unsafe bytes.baseAddress else { return }
    let stream = unsafe try handle
    let isDone = unsafe memory.with { memory in
      unsafe ct_upload(session.library, session.device, memory, start, bytes.count, stream)
    }
    guard isDone else { throw TorchFailure.last }
  }
}

/// A place in a stream's order; nothing where the device has no streams.
@safe private final class CopyEvent: @unchecked Sendable {
  let handle: OpaquePointer?
  private let session: TorchSession

  init(_ session: TorchSession) throws {
    self.session = session
    guard unsafe ct_has_streams(session.library, session.device) else {
      unsafe handle = nil
      return
    }
    unsafe handle = ct_new_event(session.library, session.device)
    guard unsafe handle != nil else { throw TorchFailure.last }
  }

  /// Returns when what it was recorded behind is done.
  func finish() throws {
    guard unsafe ct_finish(session.library, handle) else { throw TorchFailure.last }
  }

  deinit { unsafe ct_free_event(session.library, handle) }
}

/// Memory of one block on the device, and on the host what it is copied from.
@safe private final class Slot: @unchecked Sendable {
  let memory: TorchTensor
  /// Behind what was computed with the block before.
  let released: CopyEvent
  /// Behind the last copy.
  let copied: CopyEvent
  private let stream: CopyStream
  private let staging: UnsafeMutableRawBufferPointer
  private let copies = DispatchGroup()
  private let failure = Mutex<(any Error)?>(nil)

  init(_ byteCount: Int, on stream: CopyStream) throws {
    let session = stream.session
    self.stream = stream
    memory = try TorchTensor(emptyIn: session, .byte, [byteCount])
    released = try CopyEvent(session)
    copied = try CopyEvent(session)
    guard let start = unsafe ct_new_pinned(session.library, session.device, byteCount) else {
      throw TorchFailure.last
    }
    unsafe staging = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  /// Copies a block there once what was computed with the one before is done.
  func fill(_ block: StreamedBlock) throws {
    // The last copy reads the same memory.
    try copied.finish()
    for part in block.parts {
      try unsafe part.weight.write(
        as: part.form,
        to: UnsafeMutableRawBufferPointer(
          rebasing: staging[part.first..<part.first + part.byteCount]))
    }
    try stream.await(released, isCopying: true)
    try unsafe stream.upload(
      UnsafeRawBufferPointer(rebasing: staging[..<block.byteCount]), to: memory)
    try stream.record(copied, isCopying: true)
  }

  /// Says that a copy begins, on another thread.
  func begin() { copies.enter() }

  /// Runs the body, which copies, and says that it has ended.
  func end(_ body: () throws -> Void) {
    do { try body() } catch { failure.withLock { $0 = error } }
    copies.leave()
  }

  /// Returns when the last copy was recorded.
  func waitUntilFilled() throws {
    copies.wait()
    if let error = failure.withLock({ $0 }) { throw error }
  }

  deinit {
    copies.wait()
    try? copied.finish()
    let session = stream.session
    unsafe ct_free_pinned(session.library, session.device, staging.baseAddress)
  }
}
