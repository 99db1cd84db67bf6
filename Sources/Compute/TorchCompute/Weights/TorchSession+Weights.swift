internal import Compute
internal import Concurrency
internal import Elements
internal import Tensors

/// How a weight is kept on a device.
struct WeightForm: Sendable {
  /// The type of what is kept.
  let type: TorchType
  /// The type of the bytes that it is made from, which are in one piece in memory or in a mapped file; nil: it is made
  /// of the elements as they are widened.
  let source: TorchType?
  /// What it is multiplied by: one number, or as many for every row; none: nothing.
  let factors: [Float]

  /// Whether it is kept as it is stored.
  var isStored: Bool { source == type }
}

extension TorchSession {
  /// How a weight is kept: as its file has it, unless products round it anyway; what the device has no type for is
  /// widened, to bfloat16 where that loses nothing. Eight-bit floats keep their scale beside them.
  func form(of w: Weight) -> WeightForm {
    unsafe w.withCodesInPlace { place in
      if let (dtype, _, factors) = unsafe place, let stored = TorchType(dtype) {
        if stored.isFloat8, isProcessor || isCUDA {
          return WeightForm(type: stored, source: stored, factors: factors)
        }
        if !stored.isFloat8, factors.isEmpty {
          return WeightForm(
            type: precision == .bfloat16 ? .bfloat16 : stored, source: stored, factors: [])
        }
      }
      return WeightForm(
        type: precision == .bfloat16 || w.stored.isBFloat16 ? .bfloat16 : .float32, source: nil,
        factors: [])
    }
  }

  /// Bytes that a weight takes on the device.
  func byteCount(of w: Weight) -> Int {
    (w.rows * w.columns * form(of: w).type.byteCount).roundedUp(to: Self.alignment)
  }

  /// Where memory of PyTorch's begins, and so every weight.
  static var alignment: Int { 512 }

  /// Bytes that a product makes of a weight before it can use it.
  func widenedByteCount(of w: Weight) -> Int {
    let form = form(of: w)
    let isWidened = form.type != activationType
    let wide = form.factors.isEmpty || activationType == .float32 ? 0 : 4
    return w.rows * w.columns * (isWidened ? activationType.byteCount + wide : 0)
  }

  /// Runs the body, which records a product, with a weight `[outFeatures, inFeatures]` as the product takes it: of a
  /// block that goes through a ring from its slot, else copied once, or where it stands if the device is the processor.
  func withWeight<Result>(
    _ w: Weight, as type: TorchType, in streamed: StreamedBlocks?,
    _ body: (TorchTensor) throws -> Result
  ) throws -> Result {
    if let streamed, let place = streamed.place(of: w) {
      return try streamed.with(place, as: type, body)
    }
    return try body(weight(w).numbers(as: type))
  }

  private func weight(_ w: Weight) throws -> DeviceWeight {
    let found = try w.copy(in: self) { try load(w) }
    guard let weight = found as? DeviceWeight else {
      preconditionFailure("a copy of another session")
    }
    return weight
  }

  private func load(_ w: Weight) throws -> DeviceWeight {
    let (sizes, form) = ([w.rows, w.columns], form(of: w))
    let loaded = try unsafe w.withCodesInPlace { place in
      guard let stored = form.source, let bytes = unsafe place?.bytes else {
        return try unsafe w.stored.floats().withUnsafeBytes { floats in
          try unsafe copied(
            TorchTensor(borrowing: floats, in: self, .float32, sizes), as: form.type)
        }
      }
      let borrowed = try unsafe TorchTensor(
        borrowing: bytes, in: self, stored, sizes, source: w.stored)
      return isProcessor && form.isStored ? borrowed : try copied(borrowed, as: form.type)
    }
    count {
      $0.weights += 1
      $0.weightByteCount += loaded.byteCount
    }
    return DeviceWeight(loaded, factors: try factors(of: form))
  }

  /// What a weight is multiplied by, on the device; nil: nothing.
  func factors(of form: WeightForm) throws -> TorchTensor? {
    guard !form.factors.isEmpty else { return nil }
    return try unsafe form.factors.withUnsafeBytes { factors in
      try unsafe copied(
        TorchTensor(borrowing: factors, in: self, .float32, [form.factors.count]), as: .float32)
    }
  }

  private func copied(_ x: TorchTensor, as type: TorchType) throws -> TorchTensor {
    let result = try TorchTensor(emptyIn: self, type, x.sizes)
    try result.take(x)
    return result
  }
}

extension Weight {
  /// Bytes that a thread copies at a time.
  private static var portion: Int { 4 << 20 }

  /// Writes all elements as they are kept on a device.
  func write(as form: WeightForm, to target: UnsafeMutableRawBufferPointer) throws {
    let isCopied = unsafe withCodesInPlace { place in
      guard form.isStored, let bytes = unsafe place?.bytes else { return false }
      let count = unsafe bytes.count
      // Threads write to places of their own.
      nonisolated(unsafe) let (from, to) = unsafe (bytes, target)
      Parallel.forEachRange(of: count, size: Self.portion, work: count) { range in
        unsafe UnsafeMutableRawBufferPointer(rebasing: to[range])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[range]))
      }
      return true
    }
    guard !isCopied else { return }
    let floats = try stored.floats()
    guard form.type == .bfloat16 else {
      return unsafe floats.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
    let rounded = unsafe target.bindMemory(to: UInt16.self)
    for (index, value) in floats.enumerated() {
      unsafe rounded[index] = BFloat16(value).bitPattern
    }
  }
}
