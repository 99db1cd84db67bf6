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
