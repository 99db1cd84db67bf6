public import Elements
internal import Text

/// The types of a GGUF file's tensors, by the numbers that files have.
///
/// Source: ggml-org/llama.cpp, `ggml/include/ggml.h`, `enum ggml_type`.
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

  /// How elements of this type are stored.
  public var encoding: Encoding {
    switch self {
    case .f32: .elements(.f32)
    case .f16: .elements(.f16)
    case .q40: .blocks(.q40)
    case .q41: .blocks(.q41)
    case .q50: .blocks(.q50)
    case .q51: .blocks(.q51)
    case .q80: .blocks(.q80)
    case .q81: .blocks(.q81)
    case .q2K: .blocks(.q2K)
    case .q3K: .blocks(.q3K)
    case .q4K: .blocks(.q4K)
    case .q5K: .blocks(.q5K)
    case .q6K: .blocks(.q6K)
    case .q8K: .blocks(.q8K)
    case .iq2XXS: .blocks(.iq2XXS)
    case .iq2XS: .blocks(.iq2XS)
    case .iq3XXS: .blocks(.iq3XXS)
    case .iq1S: .blocks(.iq1S)
    case .iq4NL: .blocks(.iq4NL)
    case .iq3S: .blocks(.iq3S)
    case .iq2S: .blocks(.iq2S)
    case .iq4XS: .blocks(.iq4XS)
    case .i8: .elements(.i8)
    case .i16: .elements(.i16)
    case .i32: .elements(.i32)
    case .i64: .elements(.i64)
    case .f64: .elements(.f64)
    case .iq1M: .blocks(.iq1M)
    case .bf16: .elements(.bf16)
    case .tq10: .blocks(.tq10)
    case .tq20: .blocks(.tq20)
    case .mxfp4: .blocks(.mxfp4)
    case .nvfp4: .blocks(.nvfp4)
    case .q10: .blocks(.q10)
    }
  }

  /// The type of elements that are stored so; nil where GGUF has none.
  public init?(_ encoding: Encoding) {
    guard let found = GGUFType.allCases.first(where: { $0.encoding == encoding }) else {
      return nil
    }
    self = found
  }

  /// The type of a name, in any case of letters.
  public init?(name: String) {
    let found = GGUFType.allCases.first { $0.name.sameBytes(as: name.uppercased()) }
    guard let found else { return nil }
    self = found
  }

  /// The name that ggml prints, such as `Q4_K`.
  public var name: String { encoding.name }
  /// How many elements of a row a block holds; 1 for types that are not in blocks.
  public var blockElements: Int { encoding.groupLength }
  /// The dtype of a type whose elements are stored as they are; nil for blocks.
  public var dtype: DType? { if case .elements(let dtype) = encoding { dtype } else { nil } }
  /// Whether tensors of this type become views: as they are, or decoded to F32.
  public var isReadable: Bool { dtype != nil || encoding.isWidenable }

  /// Bytes that whole blocks with so many elements take; nil when the last block isn't whole or the
  /// product overflows.
  func byteCount(elements: Int) -> Int? {
    guard elements >= 0, elements % blockElements == 0 else { return nil }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(
      by: encoding.byteCount(elements: blockElements))
    return overflow ? nil : bytes
  }

  /// Bytes that a tensor of this shape takes, outermost first: the only place where shapes become
  /// sizes.
  ///
  /// - Throws: what is wrong with the shape: a negative size, rows that end inside a block, or more
  ///   elements, or bytes of them as F32, than 2^63.
  func byteCount(shape: [Int]) throws(ShapeFault) -> Int {
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
struct ShapeFault: Error {
  /// What is wrong with it.
  let found: String
}
