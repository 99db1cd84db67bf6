/// How the elements of a tensor are stored in a GGUF file: as they are, or in blocks along a row.
///
/// Cases have the names that ggml prints without underscores: `q80` is Q8_0, `q4K` Q4_K.
///
/// Source: ggml-org/llama.cpp, `ggml/include/ggml.h`, `enum ggml_type`, and
/// `gguf-py/gguf/constants.py`, `GGML_QUANT_SIZES`.
public enum GGUFType: UInt32, Sendable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q40 = 2
  case q41 = 3
  case q50 = 6
  case q51 = 7
  case q80 = 8
  case q81 = 9
  case q2K = 10
  case q3K = 11
  case q4K = 12
  case q5K = 13
  case q6K = 14
  case q8K = 15
  case iq2XXS = 16
  case iq2XS = 17
  case iq3XXS = 18
  case iq1S = 19
  case iq4NL = 20
  case iq3S = 21
  case iq2S = 22
  case iq4XS = 23
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case iq1M = 29
  case bf16 = 30
  case tq10 = 34
  case tq20 = 35
  case mxfp4 = 39
  case nvfp4 = 40
  case q10 = 41

  /// The name that ggml prints, such as `Q4_K`.
  public var name: String { properties.name }
  /// How many elements of a row a block holds; 1 for types that are not in blocks.
  public var blockElements: Int { properties.elements }
  /// How many bytes a block takes.
  public var blockBytes: Int { properties.bytes }

  /// The type of a name, in any case of letters.
  public init?(name: String) {
    let found = GGUFType.allCases.first { $0.name.utf8.elementsEqual(name.uppercased().utf8) }
    guard let found else { return nil }
    self = found
  }

  /// Bytes that whole blocks with so many elements take; nil when the last block isn't whole or the
  /// product overflows.
  public func byteCount(elements: Int) -> Int? {
    guard elements >= 0, elements % blockElements == 0 else { return nil }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }

  /// Bytes that a tensor of this shape takes, outermost first: the only place where shapes become
  /// sizes.
  ///
  /// - Throws: what is wrong with the shape: a negative size, rows that end inside a block, or more
  ///   elements, or bytes of them as F32, than 2^63.
  package func byteCount(shape: [Int]) throws(ShapeFault) -> Int {
    var elements = 1
    for size in shape {
      guard size >= 0 else { throw ShapeFault(found: "a size of \(size)") }
      // A size of zero does not hide an overflow: other orders of multiplying would meet it.
      let (product, overflow) = elements.multipliedReportingOverflow(by: max(size, 1))
      if overflow { throw ShapeFault(found: "more elements than 2^63 in \(shape)") }
      elements = product
    }
    let row = shape.last ?? 1
    guard row % blockElements == 0 else { throw ShapeFault(found: "rows of \(row) elements") }
    let (_, overflow) = elements.multipliedReportingOverflow(by: 4)
    guard !overflow, let byteCount = byteCount(elements: shape.contains(0) ? 0 : elements) else {
      throw ShapeFault(found: "more bytes than 2^63 in \(shape)")
    }
    return byteCount
  }
}

/// Why a shape has no size.
package struct ShapeFault: Error {
  /// What is wrong with it.
  package let found: String
}

extension GGUFType {
  private var properties: (name: String, elements: Int, bytes: Int) {
    switch self {
    case .f32: ("F32", 1, 4)
    case .f16: ("F16", 1, 2)
    case .q40: ("Q4_0", 32, 18)
    case .q41: ("Q4_1", 32, 20)
    case .q50: ("Q5_0", 32, 22)
    case .q51: ("Q5_1", 32, 24)
    case .q80: ("Q8_0", 32, 34)
    case .q81: ("Q8_1", 32, 36)
    case .q2K: ("Q2_K", 256, 84)
    case .q3K: ("Q3_K", 256, 110)
    case .q4K: ("Q4_K", 256, 144)
    case .q5K: ("Q5_K", 256, 176)
    case .q6K: ("Q6_K", 256, 210)
    case .q8K: ("Q8_K", 256, 292)
    case .iq2XXS: ("IQ2_XXS", 256, 66)
    case .iq2XS: ("IQ2_XS", 256, 74)
    case .iq3XXS: ("IQ3_XXS", 256, 98)
    case .iq1S: ("IQ1_S", 256, 50)
    case .iq4NL: ("IQ4_NL", 32, 18)
    case .iq3S: ("IQ3_S", 256, 110)
    case .iq2S: ("IQ2_S", 256, 82)
    case .iq4XS: ("IQ4_XS", 256, 136)
    case .i8: ("I8", 1, 1)
    case .i16: ("I16", 1, 2)
    case .i32: ("I32", 1, 4)
    case .i64: ("I64", 1, 8)
    case .f64: ("F64", 1, 8)
    case .iq1M: ("IQ1_M", 256, 56)
    case .bf16: ("BF16", 1, 2)
    case .tq10: ("TQ1_0", 256, 54)
    case .tq20: ("TQ2_0", 256, 66)
    case .mxfp4: ("MXFP4", 32, 17)
    case .nvfp4: ("NVFP4", 64, 36)
    case .q10: ("Q1_0", 128, 18)
    }
  }
}

extension GGUFType {
  /// The dtype of a type whose elements are stored as they are; nil for blocks.
  public var dtype: DType? {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .f64: .f64
    case .i8: .i8
    case .i16: .i16
    case .i32: .i32
    case .i64: .i64
    default: nil
    }
  }

  /// Whether tensors of this type become views: as they are, or decoded to F32.
  public var isReadable: Bool { dtype != nil || isDequantizable }
}
