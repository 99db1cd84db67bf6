internal import CKernels
internal import Elements
package import Files
internal import SystemPackage

/// What makes numbers of the codes of a stored weight: one factor, one for every row, one for every run
/// of columns in a row or for every tile of rows and columns, and products of such; and numbers that are
/// subtracted before or added after, for as many elements.
///
/// The factors of an element are multiplied with each other first, in the order of the form, each
/// product rounded to float32; then the code, less what is subtracted from it, with what comes out, then
/// with the constant, and last something is added or subtracted. Each step is rounded to float32, or to the type
/// of the factors where programs compute in that. What is done after that to whole groups, ``WeightFinish``
/// says.
///
/// Sources: Comfy-Org/ComfyUI, `comfy/ops.py` (one factor); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py` (`[1]`, `[out, 1]` and `[out, blocks, 1]`);
/// Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/backends/eager/quantization.py` (rows, blocks);
/// vllm-project/compressed-tensors 0.20.1, `quantization/lifecycle/forward_helpers.py`, `_dequantize`
/// (blocks divided by a factor of the whole, tiles); huggingface/transformers 5.24,
/// `integrations/finegrained_fp8.py` (tiles); SDNQ 0.2.8, `sdnq/dequantizer.py`, `dequantize_asymmetric`
/// (runs, added); pytorch/ao 0.18.0, `quantization/quant_primitives.py`, `_dequantize_affine_no_dtype_check`
/// (subtracted); bitsandbytes 0.50.2, `bitsandbytes/functional.py` (runs of the whole; a constant).
public struct StoredScale: Sendable {
  /// A tensor beside the codes.
  package struct Part: Sendable {
    let tensor: TensorView
    let rule: ScaleRule
    let nested: NestedFactors?

    /// - Parameters:
    ///   - tensor: the numbers, whose bytes are at hand.
    ///   - rule: what they stand for.
    ///   - nested: what they are codes of; nil for numbers.
    package init(_ tensor: TensorView, _ rule: ScaleRule, nested: NestedFactors? = nil) {
      self.tensor = tensor
      self.rule = rule
      self.nested = nested
    }
  }

  /// What makes an element's factor, in order; none where ``single`` is all there is.
  private let factors: [ScaleFactors]
  /// What is subtracted from codes.
  private let minus: [ScaleFactors]
  /// What is added at last.
  private let plus: [ScaleFactors]
  /// What is subtracted at last.
  private let less: [ScaleFactors]
  /// The type that each step is rounded to; nil for float32.
  private let rounding: DType?
  /// What is done with the numbers then; nil for nothing.
  private let finish: WeightFinish?
  /// What products are multiplied by; nil for nothing.
  private let constant: Float?
  /// The only factor, where nothing else is done; nil when there are several.
  package let single: Float?
  /// Elements of the weight that have the same numbers, and follow each other in a row.
  private let runLength: Int
  /// Elements of a row of the weight.
  private let width: Int
  /// Elements of the weight before the first that this is asked for.
  private var start = 0

  /// One factor for all elements.
  package init(_ factor: Float) {
    (factors, minus, plus, less) = ([], [], [], [])
    (constant, rounding, finish) = (nil, nil, nil)
    single = factor
    (runLength, width) = (.max, .max)
  }

  /// The scale of a weight.
  ///
  /// - Parameters:
  ///   - parts: the tensors beside its codes; at least one.
  ///   - constant: what products of codes and factors are multiplied by; nil for nothing.
  ///   - isRoundedAlways: whether each step is rounded to the type of the first part.
  ///   - finish: what is done with the numbers then; nil for nothing.
  ///   - weight: the shape of the weight's elements.
  ///   - name: of the weight.
  /// - Throws: when shapes or types don't go together, or a number for the whole weight or a row is
  ///   none.
  package init(
    _ parts: [Part], constant: Float? = nil, isRoundedAlways: Bool = false,
    finish: WeightFinish? = nil, weight: [Int], of name: String
  ) throws(ScaleFault) {
    var all: [ScaleFactors] = []
    for part in parts {
      all.append(
        try ScaleFactors(part.tensor, part.rule, nested: part.nested, weight: weight, of: name))
    }
    // Runs of the whole don't end with a row.
    width =
      parts.contains { $0.rule.order == .flat }
      ? weight.elementCount : weight.dropFirst().elementCount
    let several = all.filter { $0.single == nil }
    rounding =
      isRoundedAlways && parts.first?.tensor.dtype != .f32 ? parts.first?.tensor.dtype : nil
    single =
      several.isEmpty && all.count == 1 && all[0].role == .factor && constant == nil
        && rounding == nil && finish == nil
      ? all[0].single : nil
    self.constant = constant
    self.finish = finish
    less = all.filter { $0.role == .less }
    minus = all.filter { $0.role == .minus }
    plus = all.filter { $0.role == .plus }
    factors = single == nil ? all.filter { $0.role == .factor || $0.role == .divisor } : []
    runLength = max(several.map(\.columns).min() ?? width, 1)
    if let other = several.first(where: { $0.columns % runLength != 0 && $0.columns < width }) {
      throw ScaleFault(other.tensor, expected: "runs that those of other factors divide")
    }
  }

  /// Whether there is one tensor of factors, each for the whole weight or a part of it that is a row or
  /// less, and nothing else, which is how eight-bit floats are scaled.
  package var isPlain: Bool {
    factors.count <= 1 && !factors.contains(where: \.isTiled) && minus.isEmpty && plus.isEmpty
      && less.isEmpty && constant == nil && rounding == nil && finish == nil
  }

  /// How many elements along a row can only be had together.
  var groupLength: Int { finish?.groupLength ?? 1 }

  /// The factors of some rows where nothing else is done and none is of a tile: one, or as many for every row; else
  /// nil.
  func factorsOfRows(_ rows: Range<Int>, _ width: Int) -> [Float]? {
    if let single { return [single] }
    guard isPlain, factors.count == 1, start == 0, width == self.width else { return nil }
    let runs = width / runLength
    return unsafe [Float](unsafeUninitializedCapacity: rows.count * runs) { buffer, count in
      unsafe buffer.initialize(repeating: 1)
      for (index, row) in rows.enumerated() {
        unsafe factors[0].apply(
          to: UnsafeMutableBufferPointer(rebasing: buffer[index * runs..<(index + 1) * runs]),
          row: row, first: 0, length: runLength)
      }
      count = buffer.count
    }
  }

  /// The scale of the elements from one on, counted anew.
  package func from(_ first: Int) -> StoredScale {
    var rest = self
    if single == nil { rest.start += first }
    return rest
  }

  /// Whether the first elements are multiplied by the same as those of another scale.
  package func isSame(as other: StoredScale, count: Int) throws(FileError) -> Bool {
    if let single, let factor = other.single { return single == factor }
    guard constant == other.constant, rounding == other.rounding, finish == nil,
      other.finish == nil, minus.isEmpty == other.minus.isEmpty,
      plus.isEmpty == other.plus.isEmpty, less.isEmpty == other.less.isEmpty
    else { return false }
    let step = 1 << 12
    for first in stride(from: 0, to: count, by: step) {
      let length = min(step, count - first)
      for (own, others) in [
        (factors, other.factors), (minus, other.minus), (plus, other.plus), (less, other.less),
      ] where !own.isEmpty || !others.isEmpty {
        guard try numbers(own, first, length) == other.numbers(others, first, length) else {
          return false
        }
      }
    }
    return true
  }

  /// What each of some elements has of some parts.
  private func numbers(
    _ parts: [ScaleFactors], _ first: Int, _ count: Int
  ) throws(FileError) -> [Float] {
    var numbers = [Float](repeating: single ?? 1, count: count)
    if single != nil { return numbers }
    var span = numbers.mutableSpan
    try forEachRow(of: &span, from: first) { values, row, column throws(FileError) in
      try combine(parts, with: &values, row, column)
    }
    return numbers
  }

  /// Makes numbers of elements of the weight.
  ///
  /// - Parameters:
  ///   - values: the elements from `first` on.
  ///   - first: position of the first in the weight.
  /// - Throws: ``FileError/damagedContent(file:detail:)`` when a tile's factor is no finite number.
  package func apply(to values: inout MutableSpan<Float>, from first: Int) throws(FileError) {
    if let single {
      for index in values.indices { values[index] *= single }
      return
    }
    let finishing = finish?.prepared(for: values.count, width: width)
    try forEachRow(of: &values, from: first) { part, row, column throws(FileError) in
      if !minus.isEmpty { try combine(minus, with: &part, row, column, adding: -1) }
      if !factors.isEmpty { try combine(factors, with: &part, row, column) }
      if let constant { for index in part.indices { part[index] *= constant } }
      round(&part)
      if !plus.isEmpty { try combine(plus, with: &part, row, column, adding: 1) }
      if !less.isEmpty {
        try combine(less, with: &part, row, column, adding: -1)
        round(&part)
      }
      try finishing?.apply(to: &part, row, column)
    }
  }

  /// Rounds numbers to the type that each step is rounded to.
  private func round(_ values: inout MutableSpan<Float>) {
    switch rounding {
    case .bf16: for index in values.indices { values[index] = Float(BFloat16(values[index])) }
    case .f16: for index in values.indices { values[index] = Float(Float16(values[index])) }
    default: break
    }
  }

  /// Runs the body with the elements of one row after the other: the row, and the column of the first.
  private func forEachRow(
    of values: inout MutableSpan<Float>, from first: Int,
    _ body: (inout MutableSpan<Float>, Int, Int) throws(FileError) -> Void
  ) throws(FileError) {
    var position = 0
    while position < values.count {
      let (row, column) = (start + first + position).quotientAndRemainder(dividingBy: width)
      let count = min(width - column, values.count - position)
      var part = values._mutatingExtracting(position..<position + count)
      try body(&part, row, column)
      position += count
    }
  }

  /// Multiplies elements of one row by the product of some parts' numbers, or adds that times a sign.
  private func combine(
    _ parts: [ScaleFactors], with values: inout MutableSpan<Float>, _ row: Int, _ column: Int,
    adding sign: Float? = nil
  ) throws(FileError) {
    let (count, skip, first) = (values.count, column % runLength, column / runLength)
    let runs = (skip + count + runLength - 1) / runLength
    let unusable: Float? = unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: runs) {
      numbers in
      unsafe numbers.initialize(repeating: sign ?? 1)
      for part in parts {
        unsafe part.apply(to: numbers, row: row, first: first, length: runLength)
      }
      if let unusable = unsafe numbers.first(where: { !$0.isFinite }) { return unusable }
      unsafe values.withUnsafeMutableBufferPointer { values in
        guard let values = values.baseAddress, let numbers = numbers.baseAddress else { return }
        if sign == nil {
          unsafe ck_scale_runs(values, count, numbers, runLength, skip)
        } else {
          unsafe ck_add_runs(values, count, numbers, runLength, skip)
        }
      }
      return nil
    }
    guard let unusable else { return }
    throw .damagedContent(
      file: parts.lazy.compactMap(\.tensor.file).first ?? "",
      detail: "tensor '\(parts.first(where: \.isTiled)?.tensor.name ?? "")' holds a factor of "
        + "\(unusable) in row \(row) of the weight, expected finite numbers")
  }
}
