internal import CTorch
internal import Elements

/// How numbers are kept on a device.
enum TorchType: Sendable {
  case float32
  case bfloat16
  case float16
  /// Four bits of exponent, three of fraction, no infinities: float8_e4m3fn.
  case float8E4M3
  case float8E5M2
  /// Memory that others see as theirs.
  case byte

  /// The type of a file's elements; nil where the device has none for them.
  init?(_ dtype: DType) {
    switch dtype {
    case .f32: self = .float32
    case .bf16: self = .bfloat16
    case .f16: self = .float16
    case .f8E4M3: self = .float8E4M3
    case .f8E5M2: self = .float8E5M2
    default: return nil
    }
  }

  /// Bytes of a number.
  var byteCount: Int {
    switch self {
    case .float32: 4
    case .bfloat16, .float16: 2
    case .float8E4M3, .float8E5M2, .byte: 1
    }
  }

  /// Whether it is a float of eight bits, which is kept and not computed with.
  var isFloat8: Bool { self == .float8E4M3 || self == .float8E5M2 }

  /// As the C interface has it.
  var code: ct_dtype {
    switch self {
    case .float32: CT_FLOAT32
    case .bfloat16: CT_BFLOAT16
    case .float16: CT_FLOAT16
    case .float8E4M3: CT_FLOAT8_E4M3
    case .float8E5M2: CT_FLOAT8_E5M2
    case .byte: CT_BYTE
    }
  }

  /// The type of what is computed of both.
  func joined(_ other: TorchType) -> TorchType { self == other ? self : .float32 }
}
