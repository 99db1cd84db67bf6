internal import Elements

/// What the codes of a stored weight are multiplied by: one factor, one for every row, or one for
/// every run of columns in a row.
///
/// Source: Comfy-Org/ComfyUI, `comfy/ops.py` (one factor); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py` (`[1]`, `[out, 1]` and `[out, blocks, 1]`).
public struct StoredScale: Sendable, Equatable {
  /// The factors, row by row.
  private let factors: [Float]
  /// Elements that a factor stands for.
  private let runLength: Int
  /// Elements of the weight before the first that this is asked for.
  private var start = 0

  /// One factor for all elements.
  package init(_ factor: Float) {
    factors = [factor]
    runLength = .max
  }

  /// The scale of a weight; nil when the shapes don't go together.
  package init?(_ scale: TensorView, weight: [Int]) {
    guard scale.dtype.isWidenable, scale.elementCount > 0 else { return nil }
    let elements = weight.elementCount
    factors = scale.floats()
    if factors.count == 1 {
      runLength = .max
    } else {
      guard let rows = weight.first, scale.shape.first == rows, elements % factors.count == 0
      else { return nil }
      runLength = elements / factors.count
    }
  }

  /// The only factor; nil when there are several.
  package var single: Float? { factors.count == 1 ? factors[0] : nil }

  /// The scale of the elements from one on, counted anew.
  package func from(_ first: Int) -> StoredScale {
    var rest = self
    if runLength != .max { rest.start += first }
    return rest
  }

  /// Whether the first elements are multiplied by the same as those of another scale.
  package func isSame(as other: StoredScale, count: Int) -> Bool {
    var position = 0
    while position < count {
      let (run, otherRun) = (run(at: position), other.run(at: position))
      guard run.factor == otherRun.factor else { return false }
      position = min(run.end, otherRun.end)
    }
    return true
  }

  /// What an element is multiplied by, and the first one behind it that has another factor.
  private func run(at position: Int) -> (factor: Float, end: Int) {
    if runLength == .max { return (factors[0], .max) }
    let run = (start + position) / runLength
    return (factors[run], (run + 1) * runLength - start)
  }

  /// The first factor that is not a finite number other than 0.
  package var unusable: Float? { factors.first { !$0.isFinite || $0 == 0 } }

  /// Multiplies elements of the weight.
  ///
  /// - Parameters:
  ///   - values: the elements from `first` on.
  ///   - first: position of the first in the weight.
  package func apply(to values: inout MutableSpan<Float>, from first: Int) {
    var position = 0
    while position < values.count {
      let (factor, runEnd) = run(at: first + position)
      let end = runEnd == .max ? values.count : min(values.count, runEnd - first)
      for index in position..<end { values[index] *= factor }
      position = end
    }
  }
}
