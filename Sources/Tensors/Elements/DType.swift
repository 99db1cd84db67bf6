/// Element type of a tensor, as named in a safetensors header.
///
/// Source: huggingface/safetensors, `safetensors/src/tensor.rs`, `Dtype`.
public enum DType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case f4 = "F4"
  case f6E2M3 = "F6_E2M3"
  case f6E3M2 = "F6_E3M2"
  case u8 = "U8"
  case i8 = "I8"
  case f8E5M2 = "F8_E5M2"
  case f8E4M3 = "F8_E4M3"
  case f8E8M0 = "F8_E8M0"
  case f8E4M3FNUZ = "F8_E4M3FNUZ"
  case f8E5M2FNUZ = "F8_E5M2FNUZ"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case c64 = "C64"
  case f64 = "F64"
  case i64 = "I64"
  case u64 = "U64"

  /// Size of one element in bits.
  public var bitCount: Int {
    switch self {
    case .f4: 4
    case .f6E2M3, .f6E3M2: 6
    case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .c64, .f64, .i64, .u64: 64
    }
  }

  /// Bytes that a tensor of this type and shape takes; nil when a dimension is negative, a product
  /// overflows, or the elements do not fill whole bytes.
  ///
  /// Source: huggingface/safetensors, `safetensors/src/tensor.rs`, `Metadata::validate`: elements
  /// first, in the order of the shape and in 64 bits without sign, then bits.
  public func byteCount(shape: [Int]) -> Int? {
    var elements: UInt = 1
    for dimension in shape {
      guard dimension >= 0 else { return nil }
      let (product, overflow) = elements.multipliedReportingOverflow(by: UInt(dimension))
      if overflow { return nil }
      elements = product
    }
    let (bits, overflow) = elements.multipliedReportingOverflow(by: UInt(bitCount))
    return overflow || bits % 8 != 0 ? nil : Int(bits / 8)
  }
}
