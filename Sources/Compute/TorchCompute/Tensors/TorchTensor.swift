internal import CTorch
internal import Compute
internal import Tensors

/// A tensor of PyTorch's. What others see of it is contiguous; views of it are made and used inside operations.
@safe final class TorchTensor: DeviceFloats, @unchecked Sendable {
  let session: TorchSession
  let type: TorchType
  /// Sizes, outermost first; `[]` is a scalar.
  let sizes: [Int]
  private let handle: OpaquePointer
  /// What its memory belongs to where that isn't PyTorch's.
  private let source: StoredWeight?

  var place: AnyObject { session }
  var count: Int { sizes.reduce(1, *) }
  var byteCount: Int { source == nil ? count * type.byteCount : 0 }

  /// What a function of the C interface made, or the failure that it tells of.
  init(
    _ session: TorchSession, _ type: TorchType, _ sizes: [Int], source: StoredWeight? = nil,
    _ make: (_ library: OpaquePointer) -> OpaquePointer?
  ) throws(TorchFailure) {
    guard let made = unsafe make(session.library) else { throw .last }
    self.session = session
    self.type = type
    self.sizes = sizes
    unsafe handle = made
    self.source = source
    session.countLive(1)
  }

  /// A tensor of unspecified contents, on the session's device if none is named.
  convenience init(
    emptyIn session: TorchSession, on device: ct_device? = nil, _ type: TorchType, _ sizes: [Int]
  ) throws(TorchFailure) {
    try unsafe self.init(session, type, sizes) { library in
      unsafe ct_empty(
        library, device ?? session.device, type.code, Int32(sizes.count), sizes.map(Int64.init))
    }
  }

  /// A tensor over bytes of this machine's memory, which have to outlive it: they are the source's.
  convenience init(
    borrowing bytes: UnsafeRawBufferPointer, in session: TorchSession, _ type: TorchType,
    _ sizes: [Int], source: StoredWeight? = nil
  ) throws(TorchFailure) {
    guard let start = bytes.baseAddress else {
      throw TorchFailure(description: "a tensor without elements")
    }
    try unsafe self.init(session, type, sizes, source: source) { library in
      unsafe ct_borrow(library, start, type.code, Int32(sizes.count), sizes.map(Int64.init))
    }
  }

  deinit {
    unsafe ct_free(session.library, handle)
    session.countLive(-1)
  }

  /// Runs the body with the handle, which stays good as long.
  func with<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    withExtendedLifetime(self) { unsafe body(handle) }
  }

  /// Other sizes and strides, in elements, over the same memory from an element on; without strides contiguous.
  func view(_ sizes: [Int], strides: [Int]? = nil, from first: Int = 0) throws(TorchFailure)
    -> TorchTensor
  {
    try unsafe TorchTensor(session, type, sizes, source: source) { library in
      unsafe with { handle in
        unsafe ct_view(
          library, handle, Int32(sizes.count), sizes.map(Int64.init),
          (strides ?? sizes.contiguousStrides).map(Int64.init), Int64(first))
      }
    }
  }

  /// Some bytes of memory `[bytes]` as elements of a type; a view.
  func elements(_ type: TorchType, _ sizes: [Int], from first: Int) throws(TorchFailure)
    -> TorchTensor
  {
    let count = sizes.reduce(1, *)
    let bytes = try view([count * type.byteCount], strides: [1], from: first)
    return try unsafe TorchTensor(session, type, [count]) { library in
      unsafe bytes.with { unsafe ct_view_as(library, $0, type.code) }
    }.view(sizes)
  }

  /// Copies elements of a tensor of the same sizes, whatever its type and strides are.
  func take(_ other: TorchTensor) throws(TorchFailure) {
    let isDone = unsafe with { handle in
      unsafe other.with { unsafe ct_copy(session.library, handle, $0) }
    }
    guard isDone else { throw .last }
  }

  /// Zeroes all elements.
  func clear() throws(TorchFailure) {
    guard unsafe with({ unsafe ct_zero(session.library, $0) }) else { throw .last }
  }

  func read(into floats: UnsafeMutableBufferPointer<Float>) {
    guard !floats.isEmpty else { return }
    session.count {
      $0.downloads += 1
      $0.byteCount += count * type.byteCount
    }
    session.sure {
      let target = try unsafe TorchTensor(
        borrowing: UnsafeRawBufferPointer(floats), in: session, .float32, [count])
      try target.take(try view([count]))
    }
  }
}

extension [Int] {
  /// Strides of a contiguous tensor of these sizes.
  var contiguousStrides: [Int] {
    var strides = self
    var stride = 1
    for axis in indices.reversed() {
      strides[axis] = stride
      stride *= self[axis]
    }
    return strides
  }
}
