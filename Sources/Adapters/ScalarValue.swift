internal import Safetensors
internal import Tensors

extension TensorView {
  /// The value of a tensor with one element of any number type; nil for any other tensor.
  var scalar: Double? {
    guard elementCount == 1, byteCount == dtype.byteCount(shape: shape) else { return nil }
    let bytes = bytes
    switch dtype {
    case .f32, .f16, .bf16: return Double(floats()[0])
    case .f64: return Double(bitPattern: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self))
    case .i64: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int64.self))
    case .i32: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int32.self))
    case .i16: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int16.self))
    case .i8: return Double(unsafe bytes.unsafeLoadUnaligned(as: Int8.self))
    case .u64: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt64.self))
    case .u32: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt32.self))
    case .u16: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt16.self))
    case .u8: return Double(unsafe bytes.unsafeLoadUnaligned(as: UInt8.self))
    default: return nil
    }
  }
}
