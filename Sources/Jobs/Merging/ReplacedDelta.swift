internal import Tensors

/// What takes a parameter to numbers that the adapter has: strength · (values − W).
///
/// **Source:** black-forest-labs/flux, `util.py`, `load_flow_model`: norms of a control LoRA are loaded in place of
/// the base's; huggingface/diffusers, `loaders/lora_pipeline.py`, `_load_norm_into_transformer`.
struct ReplacedDelta: DeltaPart {
  let values: TensorView
  let strength: Double
  let rows: PartRows

  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) throws {
    let numbers = values.floats()
    rows.forEach(range) { source, columns, offset in
      let start = source * rows.columns + columns.lowerBound
      for index in 0..<columns.count {
        unsafe output[offset + index] =
          strength * (Double(numbers[start + index]) - Double(base.values[offset + index]))
      }
    }
  }
}
