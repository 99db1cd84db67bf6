internal import CKernels
internal import Elements
package import Files
internal import SystemPackage

/// What the codes of a stored weight are multiplied by: one factor, one for every row, one for every run
/// of columns in a row or for every tile of rows and columns, and products of such.
///
/// The factors of an element are multiplied with each other first, in the order of the form, each
/// product rounded to float32; then the code with what comes out.
///
/// Sources: Comfy-Org/ComfyUI, `comfy/ops.py` (one factor); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py` (`[1]`, `[out, 1]` and `[out, blocks, 1]`);
/// Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/backends/eager/quantization.py` (rows, blocks);
/// vllm-project/compressed-tensors 0.20.1, `quantization/lifecycle/forward_helpers.py`, `_dequantize`
/// (blocks divided by a factor of the whole, tiles); huggingface/transformers 5.24,
/// `integrations/finegrained_fp8.py` (tiles).
public struct StoredScale: Sendable {
  /// What makes an element's factor, in order; none where ``single`` is all there is.
  private let parts: [ScaleFactors]
  /// The only factor; nil when there are several.
  package let single: Float?
  /// Elements of the weight that have the same factor, and follow each other in a row.
  private let runLength: Int
  /// Elements of a row of the weight.
  private let width: Int
  /// Elements of the weight before the first that this is asked for.
  private var start = 0

  /// One factor for all elements.
  package init(_ factor: Float) {
    parts = []
    single = factor
    (runLength, width) = (.max, .max)
  }

  /// The scale of a weight.
  ///
  /// - Parameters:
  ///   - tensors: the factors, whose bytes are at hand, and what each stands for; at least one.
  ///   - weight: the shape of the weight's elements.
  ///   - name: of the weight.
  /// - Throws: when shapes or types don't go together, or a factor for the whole weight or a row is
  ///   none.
  package init(
    _ tensors: [(tensor: TensorView, rule: ScaleRule)], weight: [Int], of name: String
  ) throws(ScaleFault) {
    var parts: [ScaleFactors] = []
    for (tensor, rule) in tensors {
      parts.append(try ScaleFactors(tensor, rule, weight: weight, of: name))
    }
    width = weight.dropFirst().elementCount
    let several = parts.filter { $0.single == nil }
    single = several.isEmpty && parts.count == 1 ? parts[0].single : nil
    self.parts = single == nil ? parts : []
    runLength = max(several.map(\.columns).min() ?? width, 1)
    if let other = several.first(where: { $0.columns % runLength != 0 && $0.columns < width }) {
      throw ScaleFault(other.tensor, expected: "runs that those of other factors divide")
    }
  }

  /// Whether there is one tensor of factors, each for the whole weight or a part of it that is a row or
  /// less, which is how eight-bit floats are scaled.
  package var isPlain: Bool { parts.count <= 1 && !parts.contains(where: \.isTiled) }

  /// The scale of the elements from one on, counted anew.
  package func from(_ first: Int) -> StoredScale {
    var rest = self
    if single == nil { rest.start += first }
    return rest
  }

  /// Whether the first elements are multiplied by the same as those of another scale.
  package func isSame(as other: StoredScale, count: Int) throws(FileError) -> Bool {
    if let single, let factor = other.single { return single == factor }
    let step = 1 << 12
    for first in stride(from: 0, to: count, by: step) {
      let length = min(step, count - first)
      guard try factors(first, length) == other.factors(first, length) else { return false }
    }
    return true
  }

  /// What each of some elements is multiplied by.
  private func factors(_ first: Int, _ count: Int) throws(FileError) -> [Float] {
    var factors = [Float](repeating: 1, count: count)
    var span = factors.mutableSpan
    try apply(to: &span, from: first)
    return factors
  }

  /// Multiplies elements of the weight.
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
    var position = 0
    while position < values.count {
      let (row, column) = (start + first + position).quotientAndRemainder(dividingBy: width)
      let count = min(width - column, values.count - position)
      var part = values._mutatingExtracting(position..<position + count)
      try apply(to: &part, row, column)
      position += count
    }
  }

  /// Multiplies elements of one row.
  private func apply(
    to values: inout MutableSpan<Float>, _ row: Int, _ column: Int
  ) throws(FileError) {
    let (count, skip, first) = (values.count, column % runLength, column / runLength)
    let runs = (skip + count + runLength - 1) / runLength
    let unusable: Float? = unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: runs) {
      factors in
      unsafe factors.initialize(repeating: 1)
      for part in parts {
        unsafe part.apply(to: factors, row: row, first: first, length: runLength)
      }
      if let unusable = unsafe factors.first(where: { !$0.isFinite }) { return unusable }
      unsafe values.withUnsafeMutableBufferPointer { values in
        guard let values = values.baseAddress, let factors = factors.baseAddress else { return }
        unsafe ck_scale_runs(values, count, factors, runLength, skip)
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
