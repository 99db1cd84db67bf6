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
    rest.start += first
    return rest
  }

  /// Whether every factor is a finite number other than 0.
  package var isUsable: Bool { factors.allSatisfy { $0.isFinite && $0 != 0 } }

  /// Multiplies elements of the weight.
  ///
  /// - Parameters:
  ///   - values: the elements from `first` on.
  ///   - first: position of the first in the weight.
  package func apply(to values: inout MutableSpan<Float>, from first: Int) {
    var position = 0
    while position < values.count {
      let run = runLength == .max ? 0 : (start + first + position) / runLength
      let end =
        runLength == .max ? values.count : min(values.count, (run + 1) * runLength - start - first)
      let factor = factors[run]
      for index in position..<end { values[index] *= factor }
      position = end
    }
  }
}
