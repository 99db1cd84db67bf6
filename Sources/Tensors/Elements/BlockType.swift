internal import CKernels

/// How elements of a row are stored together, with what they share.
///
/// Cases have the names that ggml prints without underscores: `q80` is Q8_0, `q4K` Q4_K. Those below
/// `i8` are codes that mean something only with scales beside them: integers (I8, U8, and of 2 to 7 bits), floats of
/// four bits (E2M1), places in a table (NF4, FP4), and integers of weights whose inputs are rotated in groups (`I8_H256`), which are decoded
/// to the weight of the inputs as they are, see `ck_rotated_i8_to_f32`.
///
/// Source: ggml-org/llama.cpp, `ggml/include/ggml.h`, `enum ggml_type`, and
/// `gguf-py/gguf/constants.py`, `GGML_QUANT_SIZES`; of codes, Comfy-Org/comfy-kitchen 0.2.40,
/// `comfy_kitchen/float_utils.py` and `comfy_kitchen/tensor/int8_utils.py`; SDNQ 0.2.8,
/// `packed_int/unpack.py`; bitsandbytes 0.50.2, `functional.py`.
public enum BlockType: String, Sendable, CaseIterable {
  case q40 = "Q4_0"
  case q41 = "Q4_1"
  case q50 = "Q5_0"
  case q51 = "Q5_1"
  case q80 = "Q8_0"
  case q81 = "Q8_1"
  case q2K = "Q2_K"
  case q3K = "Q3_K"
  case q4K = "Q4_K"
  case q5K = "Q5_K"
  case q6K = "Q6_K"
  case q8K = "Q8_K"
  case iq2XXS = "IQ2_XXS"
  case iq2XS = "IQ2_XS"
  case iq3XXS = "IQ3_XXS"
  case iq1S = "IQ1_S"
  case iq4NL = "IQ4_NL"
  case iq3S = "IQ3_S"
  case iq2S = "IQ2_S"
  case iq4XS = "IQ4_XS"
  case iq1M = "IQ1_M"
  case tq10 = "TQ1_0"
  case tq20 = "TQ2_0"
  case mxfp4 = "MXFP4"
  case nvfp4 = "NVFP4"
  case q10 = "Q1_0"
  case i8 = "I8"
  case i8H16 = "I8_H16"
  case i8H64 = "I8_H64"
  case i8H256 = "I8_H256"
  case i8H1024 = "I8_H1024"
  case i4H16 = "I4_H16"
  case i4H64 = "I4_H64"
  case i4H256 = "I4_H256"
  case i4H1024 = "I4_H1024"
  /// Two a byte, the first in the low four bits.
  case e2m1 = "E2M1"
  /// Two a byte, the first in the high four bits.
  case e2m1High = "E2M1_HIGH"
  case u8 = "U8"
  /// Two a byte, the first in the low four bits, without a sign.
  case u4 = "U4"
  /// Two a byte, the first in the low four bits, 8 added to each.
  case i4 = "I4"
  /// Integers of few bits without a sign as SDNQ packs them, see `ck_packed_to_f32`.
  case u2 = "U2"
  case u3 = "U3"
  case u5 = "U5"
  case u6 = "U6"
  case u7 = "U7"
  /// Likewise, half of their range added to each.
  case i2 = "I2"
  case i3 = "I3"
  case i5 = "I5"
  case i6 = "I6"
  case i7 = "I7"
  /// bitsandbytes' codes, two a byte, the first in the high four bits.
  case nf4 = "NF4"
  /// Likewise; its table is not that of E2M1.
  case fp4 = "FP4"

  /// The name that ggml prints, such as `Q4_K`.
  public var name: String { rawValue }
  /// How many elements of a row a block holds.
  public var elementCount: Int { size.elements }
  /// How many bytes a block takes.
  public var byteCount: Int { size.bytes }

  private var size: (elements: Int, bytes: Int) {
    switch self {
    case .q40: (32, 18)
    case .q41: (32, 20)
    case .q50: (32, 22)
    case .q51: (32, 24)
    case .q80: (32, 34)
    case .q81: (32, 36)
    case .q2K: (256, 84)
    case .q3K: (256, 110)
    case .q4K: (256, 144)
    case .q5K: (256, 176)
    case .q6K: (256, 210)
    case .q8K: (256, 292)
    case .iq2XXS: (256, 66)
    case .iq2XS: (256, 74)
    case .iq3XXS: (256, 98)
    case .iq1S: (256, 50)
    case .iq4NL: (32, 18)
    case .iq3S: (256, 110)
    case .iq2S: (256, 82)
    case .iq4XS: (256, 136)
    case .iq1M: (256, 56)
    case .tq10: (256, 54)
    case .tq20: (256, 66)
    case .mxfp4: (32, 17)
    case .nvfp4: (64, 36)
    case .q10: (128, 18)
    case .i8, .u8: (1, 1)
    case .i8H16: (16, 16)
    case .i8H64: (64, 64)
    case .i8H256: (256, 256)
    case .i8H1024: (1024, 1024)
    case .i4H16: (16, 8)
    case .i4H64: (64, 32)
    case .i4H256: (256, 128)
    case .i4H1024: (1024, 512)
    case .e2m1, .e2m1High, .u4, .i4, .nf4, .fp4: (2, 1)
    case .u2, .i2: (4, 1)
    case .u3, .i3: (8, 3)
    case .u5, .i5: (8, 5)
    case .u6, .i6: (4, 3)
    case .u7, .i7: (8, 7)
    }
  }
}

extension BlockType {
  /// From where, to where, how many blocks.
  typealias Kernel = (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

  /// Whether ``decode(_:from:into:)`` takes this type.
  public var isDecodable: Bool { unsafe decoder != nil }
  /// Whether ``encode(_:as:into:)`` takes this type.
  public var isEncodable: Bool { unsafe encoder != nil }

  /// What decodes blocks; nil for a type that is not read.
  var decoder: Kernel? {
    switch self {
    case .q80: unsafe ck_q8_0_to_f32
    case .q40: unsafe ck_q4_0_to_f32
    case .q41: unsafe ck_q4_1_to_f32
    case .q50: unsafe ck_q5_0_to_f32
    case .q51: unsafe ck_q5_1_to_f32
    case .q2K: unsafe ck_q2_k_to_f32
    case .q3K: unsafe ck_q3_k_to_f32
    case .q4K: unsafe ck_q4_k_to_f32
    case .q5K: unsafe ck_q5_k_to_f32
    case .q6K: unsafe ck_q6_k_to_f32
    case .iq1S: unsafe ck_iq1_s_to_f32
    case .iq1M: unsafe ck_iq1_m_to_f32
    case .iq2XXS: unsafe ck_iq2_xxs_to_f32
    case .iq2XS: unsafe ck_iq2_xs_to_f32
    case .iq2S: unsafe ck_iq2_s_to_f32
    case .iq3XXS: unsafe ck_iq3_xxs_to_f32
    case .iq3S: unsafe ck_iq3_s_to_f32
    case .iq4NL: unsafe ck_iq4_nl_to_f32
    case .iq4XS: unsafe ck_iq4_xs_to_f32
    case .mxfp4: unsafe ck_mxfp4_to_f32
    case .nvfp4: unsafe ck_nvfp4_to_f32
    case .tq10: unsafe ck_tq1_0_to_f32
    case .tq20: unsafe ck_tq2_0_to_f32
    case .q10: unsafe ck_q1_0_to_f32
    case .i8: unsafe ck_i8_to_f32
    case .i8H16, .i8H64, .i8H256, .i8H1024:
      { [group = elementCount] in unsafe ck_rotated_i8_to_f32($0, $1, $2, group) }
    case .i4H16, .i4H64, .i4H256, .i4H1024:
      { [group = elementCount] in unsafe ck_rotated_i4_to_f32($0, $1, $2, group) }
    case .e2m1: unsafe ck_e2m1_to_f32
    case .e2m1High: unsafe ck_e2m1_high_to_f32
    case .u8: unsafe ck_u8_to_f32
    case .u4: unsafe ck_u4_to_f32
    case .i4: unsafe ck_i4_to_f32
    case .u2, .u3, .u5, .u6, .u7: { [bits] in unsafe ck_packed_to_f32($0, $1, $2, bits, 0) }
    case .i2, .i3, .i5, .i6, .i7:
      { [bits] in unsafe ck_packed_to_f32($0, $1, $2, bits, -(1 << (bits - 1))) }
    case .nf4: unsafe ck_nf4_to_f32
    case .fp4: unsafe ck_fp4_to_f32
    // What activations become in ggml's products; no file holds it.
    case .q81, .q8K: nil
    }
  }

  /// How many bits an element of a type has whose blocks hold nothing else.
  private var bits: Int32 { Int32(8 * byteCount / elementCount) }

  /// What encodes blocks; nil for a type that is not written.
  var encoder: Kernel? {
    switch self {
    case .q80: unsafe ck_f32_to_q8_0
    case .q40: unsafe ck_f32_to_q4_0
    case .q41: unsafe ck_f32_to_q4_1
    case .q50: unsafe ck_f32_to_q5_0
    case .q51: unsafe ck_f32_to_q5_1
    case .q4K: unsafe ck_f32_to_q4_k
    case .q5K: unsafe ck_f32_to_q5_k
    case .q6K: unsafe ck_f32_to_q6_k
    case .iq4NL: unsafe ck_f32_to_iq4_nl
    default: nil
    }
  }
}
