internal import Compute
internal import Elements
internal import Tensors

/// Normal deviates, made once and used over and over: speed depends on numbers being numbers alone.
struct MadeUpNumbers {
  /// An odd number of them, so that rows of a matrix don't line up with each other.
  private let table = RandomStream(seed: 0, purpose: .test).normals(count: (1 << 18) - 3)

  /// Activations.
  func tensor(_ shape: [Int]) -> Tensor {
    unsafe Tensor(shape: shape) { unsafe repeated(table, into: $0) }
  }

  /// A bfloat16 tensor in memory as a file would have it.
  func stored(
    _ shape: [Int], named name: String = "", deviation: Float, mean: Float = 0
  ) -> TensorView {
    let portion = table.map { BFloat16(mean + deviation * $0) }
    let count = shape.elementCount
    let numbers = unsafe [BFloat16](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe repeated(
        portion, into: UnsafeMutableBufferPointer(start: buffer.baseAddress, count: count))
      initialized = count
    }
    return unsafe TensorView(name: name, dtype: .bf16, shape: shape, copying: numbers.span.bytes)
  }

  /// A weight `[rows, columns]` that leaves activations about as large as they are.
  func weight(_ rows: Int, _ columns: Int) -> Weight {
    Weight(StoredWeight(stored([rows, columns], deviation: 1 / Float(columns).squareRoot())))
  }

  private func repeated<Number>(
    _ portion: [Number], into buffer: UnsafeMutableBufferPointer<Number>
  ) {
    for first in stride(from: 0, to: buffer.count, by: portion.count) {
      let count = min(portion.count, buffer.count - first)
      _ = unsafe buffer[first..<first + count].initialize(fromContentsOf: portion[..<count])
    }
  }
}
