internal import Concurrency
internal import Elements

/// A float32 tensor: a shape, and storage that only engines look into. Contiguous, row-major.
///
/// Others make one of floats and ask for ``floats``, which copies, from a device too. A tensor of a run on shapes
/// alone has none, and whoever asks for them ends the program.
public struct Tensor: Sendable {
  /// Sizes, outermost first; `[]` is a scalar.
  public let shape: [Int]
  /// Number of elements.
  public let count: Int
  private var storage: Storage

  /// Where the elements are.
  private enum Storage: Sendable {
    /// In this machine's memory.
    case host(HostFloats)
    /// In this machine's memory, rounded to bfloat16: to be kept.
    case rounded(RoundedFloats)
    /// Where another engine computes.
    case device(any DeviceFloats)
    /// Nowhere: the tensor of a run on shapes alone.
    case planned(PlannedFloats)
  }

  private init(shape: [Int], storage: Storage) {
    self.shape = shape
    count = shape.elementCount
    self.storage = storage
  }

  /// A tensor of these elements, last axis fastest.
  public init(shape: [Int], _ floats: [Float]) {
    precondition(floats.count == shape.elementCount, "elements must fill the shape")
    unsafe self.init(shape: shape) { memory in
      _ = unsafe memory.initialize(from: floats)
    }
  }

  /// A tensor of one value throughout.
  public init(shape: [Int], repeating value: Float) {
    unsafe self.init(shape: shape) { unsafe $0.initialize(repeating: value) }
  }

  /// A tensor filled by a closure, which must write every element.
  public init(
    shape: [Int], _ fill: (_ elements: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    let memory = HostFloats(count: shape.elementCount)
    try unsafe fill(memory.buffer)
    self.init(shape: shape, storage: .host(memory))
  }

  /// A tensor of unspecified elements, for somebody who writes every one.
  init(unspecified shape: [Int]) {
    self.init(shape: shape, storage: .host(HostFloats(count: shape.elementCount)))
  }

  /// A tensor whose elements are in a device's memory.
  package init(shape: [Int], on device: any DeviceFloats) {
    self.init(shape: shape, storage: .device(device))
  }

  /// A tensor that has no elements but counts as memory.
  init(planned shape: [Int], in ledger: WorkLedger) {
    self.init(
      shape: shape, storage: .planned(PlannedFloats(count: shape.elementCount, in: ledger)))
  }

  /// Size of the last axis; 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }
  /// Product of all axes but the last.
  public var rows: Int { columns == 0 ? 0 : count / columns }

  /// The elements, last axis fastest; copied.
  public var floats: [Float] { unsafe withFloats { unsafe Array($0) } }

  /// The same elements with other axes; as many of them.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.elementCount == count, "elements must fill the shape")
    return Tensor(shape: shape, storage: storage)
  }

  /// The memory that the elements are in, which tensors may share until one of them changes.
  var place: ObjectIdentifier {
    switch storage {
    case .host(let memory): ObjectIdentifier(memory)
    case .rounded(let memory): ObjectIdentifier(memory)
    case .device(let memory): ObjectIdentifier(memory)
    case .planned(let memory): ObjectIdentifier(memory)
    }
  }

  /// The elements in a device's memory; nil where they are in this machine's.
  package var onDevice: (any DeviceFloats)? {
    guard case .device(let memory) = storage else { return nil }
    return memory
  }

  /// The tensor in this machine's memory: the elements are copied from a device if they are there.
  package func onHost() -> Tensor {
    guard case .device(let device) = storage else { return self }
    let memory = HostFloats(count: count)
    unsafe device.read(into: memory.buffer)
    return Tensor(shape: shape, storage: .host(memory))
  }

  /// The copy on a device of elements in this machine's memory. It is made once, and again when they change.
  ///
  /// - Parameters:
  ///   - place: what the device's memory belongs to.
  ///   - make: copies the elements.
  /// - Returns: the copy, one for all who ask.
  package func copy(
    in place: AnyObject, _ make: (UnsafeBufferPointer<Float>) throws -> any DeviceFloats
  ) rethrows -> any DeviceFloats {
    guard case .host(let memory) = storage else {
      return try unsafe onHost().withFloats { try unsafe make($0) }
    }
    return try memory.onDevice.copy(in: place) {
      try unsafe make(UnsafeBufferPointer(memory.buffer))
    }
  }

  /// Whether the elements are rounded to bfloat16, to be kept.
  private var isRounded: Bool {
    switch storage {
    case .host, .device: false
    case .rounded: true
    case .planned(let memory): memory.isRounded
    }
  }

  /// Bytes of the elements.
  var byteCount: Int {
    if case .device(let memory) = storage { return memory.byteCount }
    return count * (isRounded ? MemoryLayout<UInt16>.stride : MemoryLayout<Float>.stride)
  }

  /// The elements rounded to bfloat16: one copy for all who keep it. Only ``widened()`` computes with it.
  func rounded() -> Tensor {
    switch storage {
    case .host(let memory): Tensor(shape: shape, storage: .rounded(memory.roundedCopy()))
    case .planned(let memory) where !memory.isRounded:
      Tensor(shape: shape, storage: .planned(memory.roundedCopy()))
    case .rounded, .device, .planned: self
    }
  }

  /// The elements as floats, where they are rounded.
  func widened() -> Tensor {
    switch storage {
    case .rounded(let memory): Tensor(shape: shape, storage: .host(memory.widened()))
    case .planned(let memory) where memory.isRounded:
      Tensor(shape: shape, storage: .planned(memory.widened()))
    case .host, .device, .planned: self
    }
  }

  /// Runs the body on the elements where they are, or on a copy where a device has them.
  package func withFloats<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    guard case .host(let memory) = onHost().storage else {
      preconditionFailure("no floats: of shapes alone, or rounded to be kept")
    }
    return try withExtendedLifetime(memory) {
      try unsafe body(UnsafeBufferPointer(memory.buffer))
    }
  }

  /// Runs the body on the elements where they are, or on a copy where another tensor shares them or a device
  /// has them; they are then in this machine's memory.
  package mutating func withMutableFloats<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    if case .device = storage { self = onHost() }
    guard case .host(var memory) = storage else {
      preconditionFailure("no floats: of shapes alone, or rounded to be kept")
    }
    // Until it is put back, so that the memory is this one's alone if it is nobody else's.
    storage = .host(.none)
    defer { storage = .host(memory) }
    if isKnownUniquelyReferenced(&memory) {
      memory.willChange()
    } else {
      memory = HostFloats(copying: memory)
    }
    return try unsafe body(memory.buffer)
  }

  /// Makes the memory of a planned tensor its own, as a change of its elements would.
  mutating func claim(in ledger: WorkLedger) {
    guard case .planned(var memory) = storage else {
      return self = Tensor(planned: shape, in: ledger)
    }
    storage = .host(.none)
    defer { storage = .planned(memory) }
    if isKnownUniquelyReferenced(&memory) {
      memory.willChange()
    } else {
      memory = PlannedFloats(count: count, in: ledger)
    }
  }
}

extension Tensor: Equatable {
  /// Whether shapes and all elements are equal.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape else { return false }
    return unsafe a.withFloats { a in unsafe b.withFloats { b in unsafe a.elementsEqual(b) } }
  }
}

extension Tensor {
  /// Rows of a matrix `[rows, columns]` in a range, copied.
  public func rows(_ range: Range<Int>) -> Tensor {
    let part = range.lowerBound * columns..<range.upperBound * columns
    return unsafe Tensor(shape: [range.count, columns]) { to in
      unsafe withFloats { from in
        _ = unsafe to.initialize(fromContentsOf: from[part])
      }
    }
  }

  /// A tensor of the same shape, of a function of every element.
  package func mapped(_ function: (Float) -> Float) -> Tensor {
    unsafe Tensor(shape: shape) { to in
      unsafe withFloats { from in
        for i in 0..<from.count { unsafe to[i] = function(from[i]) }
      }
    }
  }

  /// Every element plus a number times the element of another tensor of the same shape.
  package func moved(by numbers: [Float], times factors: Tensor) -> Tensor {
    let factors = factors.floats
    return Tensor(
      shape: shape, zip(floats, zip(numbers, factors)).map { $0 + $1.1 * $1.0 })
  }

  /// Whether every element is finite.
  public var isFinite: Bool {
    unsafe withFloats { elements in
      // The sum of absolute values times zero is zero, or NaN when an element is not finite.
      var probe: Float = 0
      for i in 0..<elements.count { unsafe probe += elements[i] * 0 }
      return probe == 0
    }
  }

  /// Multiplies every element by a factor.
  public mutating func scale(by factor: Float) {
    unsafe withMutableFloats { elements in
      for i in 0..<elements.count { unsafe elements[i] *= factor }
    }
  }

  /// The square root of the sum of squares, summed in double precision.
  public var norm: Double {
    unsafe withFloats { elements in
      var sum = 0.0
      for i in 0..<elements.count { unsafe sum += Double(elements[i]) * Double(elements[i]) }
      return sum.squareRoot()
    }
  }

  /// Adds another tensor's elements times a factor.
  public mutating func add(_ other: Tensor, times factor: Float = 1) {
    precondition(shape == other.shape, "shapes must agree")
    unsafe withMutableFloats { sum in
      unsafe other.withFloats { other in
        Parallel.forEachRange(of: sum.count, size: elementsPerCall, work: 2 * sum.count) { range in
          for i in range { unsafe sum[i] += factor * other[i] }
        }
      }
    }
  }
}
