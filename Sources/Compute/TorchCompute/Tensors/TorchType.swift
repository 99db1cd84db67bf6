internal import CTorch
internal import Elements

/// How numbers are kept on a device.
enum TorchType: Sendable {
  case float32
  case bfloat16
  case float16

  /// The type of a file's elements; nil where the device has none for them.
  init?(_ dtype: DType) {
    switch dtype {
    case .f32: self = .float32
    case .bf16: self = .bfloat16
    case .f16: self = .float16
    default: return nil
    }
  }

  /// Bytes of a number.
  var byteCount: Int { self == .float32 ? 4 : 2 }

  /// As the C interface has it.
  var code: ct_dtype {
    switch self {
    case .float32: CT_FLOAT32
    case .bfloat16: CT_BFLOAT16
    case .float16: CT_FLOAT16
    }
  }

  /// The type of what is computed of both.
  func joined(_ other: TorchType) -> TorchType { self == other ? self : .float32 }
}
