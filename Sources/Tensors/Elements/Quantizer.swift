internal import CKernels

/// How a weight is coded that has factors beside its codes, in the forms that ComfyUI reads: by the weight's
/// own largest magnitudes, without calibration, each code rounded to nearest, ties to even.
///
/// **Source:** Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/backends/eager/quantization.py`,
/// `quantize_int8_rowwise`, `quantize_nvfp4`, `quantize_mxfp8`: the same codes and factors for weights in
/// float32, which all are widened to here. Weights of zeros alone have the factor 1 in nvfp4, where that
/// gives NaN, and blocks of mxfp8 up to 448 · 2⁻¹²⁷ the factor 2⁻¹²⁶, where that divides by 0.
public enum Quantizer: String, Sendable, CaseIterable {
  /// Integers of eight bits with a factor for every row: its largest magnitude / 127.
  case int8
  /// Floats of four bits (E2M1) with a factor for every 16 of a row, in E4M3, times one for the whole:
  /// the largest magnitude / 448 / 6.
  case nvfp4
  /// Floats of eight bits (E4M3) with a power of two for every 32 of a row.
  case mxfp8

  /// How the codes of a row follow each other.
  package var codes: Encoding {
    switch self {
    case .int8: .blocks(.i8)
    case .nvfp4: .blocks(.e2m1High)
    case .mxfp8: .elements(.f8E4M3)
    }
  }

  /// Elements of a row that have a factor of their own; nil where all of a row have the same.
  package var blockLength: Int? {
    switch self {
    case .int8: nil
    case .nvfp4: 16
    case .mxfp8: 32
    }
  }

  /// Bits that an element takes with its share of the blocks' factors.
  package var bitsPerElement: Double {
    let count = 256
    return Double(8 * codes.byteCount(elements: count)) / Double(count)
      + (blockLength.map { 8 / Double($0) } ?? 0)
  }

  /// What the largest magnitudes have to be known of before anything can be coded.
  package enum Extent: Sendable {
    case nothing, rows, whole
  }

  /// What the largest magnitudes have to be known of before anything can be coded.
  package var extent: Extent {
    switch self {
    case .int8: .rows
    case .nvfp4: .whole
    case .mxfp8: .nothing
    }
  }

  /// The factor of a row or the whole, from its largest magnitude.
  package func factor(largest: Float) -> Float {
    switch self {
    case .int8: max(largest / 127, 1e-30)
    case .nvfp4: largest == 0 ? 1 : max(largest / (448 * 6), Float.leastNormalMagnitude)
    case .mxfp8: 1
    }
  }

  /// Codes elements that have one factor besides those of blocks.
  ///
  /// - Parameters:
  ///   - values: the elements, whole blocks; become what the codes stand for.
  ///   - factor: of their row or the whole; see ``factor(largest:)``.
  ///   - output: the bytes of as many codes.
  ///   - blockFactors: where factors of blocks go, a byte each; nothing for a quantizer without blocks.
  /// - Returns: how many elements, or blocks with such, are no finite numbers and were given codes that
  ///   mean nothing.
  package func encode(
    _ values: inout MutableSpan<Float>, factor: Float, into output: inout MutableRawSpan,
    blockFactors: inout MutableSpan<UInt8>
  ) -> Int {
    let length = blockLength ?? 1
    let count = values.count / length
    precondition(
      count * length == values.count && output.byteCount == codes.byteCount(elements: values.count),
      "sizes must agree")
    precondition(blockFactors.count == (blockLength == nil ? 0 : count), "a factor a block")
    return unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe output.withUnsafeMutableBytes { codes in
        unsafe blockFactors.withUnsafeMutableBufferPointer { factors in
          guard let values = values.baseAddress, let codes = codes.baseAddress else { return 0 }
          guard let factors = factors.baseAddress else {
            return self == .int8 ? unsafe ck_f32_to_i8(values, factor, codes, count) : 0
          }
          return switch self {
          case .int8: unsafe ck_f32_to_i8(values, factor, codes, count)
          case .nvfp4: unsafe ck_f32_to_nvfp4(values, factor, codes, factors, count)
          case .mxfp8: unsafe ck_f32_to_mxfp8(values, codes, factors, count)
          }
        }
      }
    }
  }

  /// The factors of blocks, a byte each.
  ///
  /// - Parameters:
  ///   - values: the elements of whole blocks.
  ///   - factor: of the whole.
  ///   - output: as many bytes as there are blocks.
  package func blockFactors(
    of values: Span<Float>, factor: Float, into output: inout MutableSpan<UInt8>
  ) {
    guard let length = blockLength else { preconditionFailure("\(rawValue) has no blocks") }
    let count = output.count
    precondition(count * length == values.count, "sizes must agree")
    unsafe values.withUnsafeBufferPointer { values in
      unsafe output.withUnsafeMutableBufferPointer { factors in
        guard let values = values.baseAddress, let factors = factors.baseAddress else { return }
        if self == .nvfp4 {
          unsafe ck_nvfp4_factors(values, factor, factors, count)
        } else {
          unsafe ck_mxfp8_factors(values, factors, count)
        }
      }
    }
  }
}
