import Compute
import Elements
import Tensors

/// Numbers rounded to bfloat16.
func rounded(_ values: [Float]) -> [Float] { values.map { Float(BFloat16($0)) } }

/// A weight whose elements are numbers of a dtype, which the values are rounded to.
func stored(
  _ values: [Float], _ shape: [Int], as dtype: DType, scale: StoredScale? = nil
) -> Weight {
  var bytes = [UInt8](repeating: 0, count: dtype.byteCount(elements: values.count))
  var span = bytes.mutableSpan
  var raw = unsafe span.mutableBytes
  narrow(values.span, to: dtype, into: &raw)
  let view = unsafe TensorView(name: "w", dtype: dtype, shape: shape, copying: bytes.span.bytes)
  return Weight(StoredWeight(view, scale: scale))
}

/// A weight whose elements are in blocks, which the values are rounded to.
func stored(_ values: [Float], _ shape: [Int], as type: BlockType) -> Weight {
  var bytes = [UInt8](repeating: 0, count: values.count / type.elementCount * type.byteCount)
  var span = bytes.mutableSpan
  var raw = unsafe span.mutableBytes
  encode(values.span, as: type, into: &raw)
  let codes = unsafe TensorView(
    name: "w", dtype: .u8, shape: [bytes.count], copying: bytes.span.bytes)
  return Weight(StoredWeight(TensorView(name: "w", shape: shape, codes: codes, type: type)))
}

/// Weights `[530, 512]` of codes with several scales, which products widen as they go: blocks of 16 and 32
/// with their factors in tiles, tiles of 128 x 128, and rotated integers.
enum ScaledCodes: String, CaseIterable {
  case nvfp4, mxfp8, tiles, rotated, shifted

  /// The weight, of bytes that begin somewhere else for every part.
  func weight() throws -> Weight {
    let shape = [530, 512]
    func bytes(_ name: String, _ dtype: DType, _ shape: [Int], _ limit: Int) -> TensorView {
      let count = dtype.byteCount(shape: shape) ?? 0
      let values = (0..<count).map { UInt8(($0 * 7919 + $0 / 31) % limit) }
      return unsafe TensorView(
        name: name, dtype: dtype, shape: shape, copying: values.span.bytes)
    }
    func codes(_ type: BlockType) -> TensorView {
      let count = shape[0] * shape[1] / type.elementCount * type.byteCount
      return TensorView(
        name: "w", shape: shape, codes: bytes("w", .u8, [count], 256), type: type)
    }
    // Neither NaN nor the largest numbers.
    let eight = bytes("w", .f8E4M3, shape, 0x60)
    let (view, scales): (TensorView, [(TensorView, ScaleRule)])
    switch self {
    case .nvfp4:
      view = codes(.e2m1High)
      scales = [
        (TensorView(name: "g", shape: [], [0.0125]), ScaleRule(name: "g")),
        (
          bytes("s", .f8E4M3, [640, 32], 0x60),
          ScaleRule(name: "s", tile: .init(rows: 1, columns: 16), order: .blocked)
        ),
      ]
    case .mxfp8:
      view = eight
      scales = [
        (
          bytes("s", .u8, [640, 16], 127),
          ScaleRule(name: "s", tile: .init(rows: 1, columns: 32), order: .blocked, bytes: .f8E8M0)
        )
      ]
    case .tiles:
      view = eight
      let factors = (0..<20).map { 0.01 + Float($0) / 64 }
      scales = [
        (
          TensorView(name: "s", shape: [5, 4], factors),
          ScaleRule(name: "s", tile: .init(rows: 128, columns: 128))
        )
      ]
    case .rotated:
      view = codes(.i8H256)
      let factors = (0..<530).map { 0.01 + Float($0) / 4096 }
      scales = [(TensorView(name: "s", shape: [530, 1], factors), ScaleRule(name: "s"))]
    case .shifted:
      view = codes(.u4)
      let factors = (0..<530 * 4).map { 0.01 + Float($0) / 16384 }
      scales = [
        (TensorView(name: "s", shape: [530, 4, 1], factors), ScaleRule(name: "s", hasRuns: true)),
        (
          TensorView(name: "z", shape: [530, 4, 1], factors.map { -7 * $0 }),
          ScaleRule(name: "z", role: .plus, hasRuns: true)
        ),
      ]
    }
    let scale = try StoredScale(
      scales.map { StoredScale.Part($0.0, $0.1) }, weight: shape, of: "w")
    return Weight(StoredWeight(view, scale: scale))
  }
}
