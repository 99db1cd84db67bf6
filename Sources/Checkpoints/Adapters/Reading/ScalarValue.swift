internal import Elements
internal import Tensors

extension TensorView {
  /// The value of a tensor with one element of any number type; nil for any other tensor.
  var scalar: Double? {
    guard elementCount == 1, byteCount == dtype.byteCount(shape: shape) else { return nil }
    let bytes = bytes
    switch dtype {
    case .f64: return Double(bitPattern: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self))
    case .i64: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int64.self))
    case .i32: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int32.self))
    case .i16: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int16.self))
    case .i8: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int8.self))
    case .u64: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt64.self))
    case .u32: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt32.self))
    case .u16: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt16.self))
    case .u8: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt8.self))
    default: return dtype.isWidenable ? Double(floats()[0]) : nil
    }
  }

  /// The numbers of a vector of 64-bit integers; nil for any other tensor.
  var integers: [Int]? {
    guard dtype == .i64, shape.count == 1, byteCount == dtype.byteCount(shape: shape) else {
      return nil
    }
    let bytes = bytes
    return (0..<shape[0]).map {
      Int(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
    }
  }

  /// The same elements without axes of one element at the end, down to a matrix: a convolution of
  /// size 1 is a product with a matrix.
  ///
  /// Source: Comfy-Org/ComfyUI, `comfy/weight_adapter/lora.py`: factors are flattened from their
  /// second axis on.
  var withoutTrailingOnes: TensorView {
    guard shape.count > 2 else { return self }
    var sizes = shape
    while sizes.count > 2, sizes.last == 1 { sizes.removeLast() }
    return part(name: name, dtype: dtype, shape: sizes, range: 0..<byteCount)
  }
}
