internal import Synchronization

/// Elements of a tensor in memory of a device that an engine computes on, such as a GPU.
package protocol DeviceFloats: AnyObject, Sendable {
  /// Bytes that they take there.
  var byteCount: Int { get }
  /// What the memory belongs to: numbers of one place compute with each other.
  var place: AnyObject { get }
  /// Copies the elements, as float32, into this machine's memory.
  func read(into floats: UnsafeMutableBufferPointer<Float>)
}

/// The copy on a device of what is in this machine's memory: one for all who ask, given back with that memory.
struct DeviceCopy: ~Copyable, Sendable {
  private let kept = Mutex<(any DeviceFloats)?>(nil)

  /// The copy in a place, which the closure makes where there is none or one elsewhere.
  func copy(
    in place: AnyObject, _ make: () throws -> any DeviceFloats
  ) rethrows -> any DeviceFloats {
    try kept.withLock { kept in
      if let kept, kept.place === place { return kept }
      let made = try make()
      kept = made
      return made
    }
  }

  /// The copy in a place; nil where there is none.
  func kept(in place: AnyObject) -> (any DeviceFloats)? {
    kept.withLock { $0.flatMap { $0.place === place ? $0 : nil } }
  }

  /// Gives the copy back: what it is of changes, or is to be elsewhere.
  func forget() { kept.withLock { $0 = nil } }
}
