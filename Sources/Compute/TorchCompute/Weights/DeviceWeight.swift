internal import Compute

/// A weight as a device keeps it: elements or codes of them, and what codes are multiplied by.
final class DeviceWeight: DeviceFloats {
  /// `[outFeatures, inFeatures]`, in the file's type where the device has it.
  private let elements: TorchTensor
  /// What they are multiplied by: one number, or `[outFeatures, runs]`; nil: nothing.
  private let factors: TorchTensor?

  /// A weight that takes memory of its own as long as it lives, where the device isn't this machine's.
  init(_ elements: TorchTensor, factors: TorchTensor?) {
    self.elements = elements
    self.factors = factors
    elements.session.countWeights(elements.byteCount)
  }

  deinit { session.countWeights(-elements.byteCount) }

  private var session: TorchSession { elements.session }
  var place: AnyObject { session }
  var byteCount: Int { elements.byteCount }

  func read(into floats: UnsafeMutableBufferPointer<Float>) {
    session.sure { unsafe try elements.numbers(times: factors, as: .float32).read(into: floats) }
  }

  /// The weight as products take it.
  func numbers(as type: TorchType) throws -> TorchTensor {
    try elements.numbers(times: factors, as: type)
  }
}

extension TorchTensor {
  /// These elements `[rows, columns]` as another type, times a number or one for every run of a row; each step is
  /// rounded to float32, as it is when a file's elements are widened.
  func numbers(times factors: TorchTensor?, as type: TorchType) throws -> TorchTensor {
    guard let factors else { return try to(type) }
    let wide = try to(.float32)
    guard factors.count > 1 else { return try wide.times(factors.view([])).to(type) }
    let (rows, runs) = (sizes[0], factors.count / sizes[0])
    return try wide.view([rows, runs, sizes[1] / runs])
      .times(factors.view([rows, runs, 1])).view(sizes).to(type)
  }
}
