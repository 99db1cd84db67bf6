internal import CKernels
internal import Synchronization

/// How far stored numbers are from those that went in: the sums of squares of both.
public struct StoringError: Sendable, Equatable {
  /// Σ (stored − given)².
  public private(set) var differenceSquares = 0.0
  /// Σ given².
  public private(set) var squares = 0.0

  /// Nothing compared yet.
  package init() {}

  /// What two runs of numbers say.
  package init(_ stored: Span<Float>, _ given: Span<Float>) {
    precondition(stored.count == given.count, "sizes must agree")
    var totals = [0.0, 0]
    unsafe stored.withUnsafeBufferPointer { stored in
      unsafe given.withUnsafeBufferPointer { given in
        guard let stored = stored.baseAddress, let start = given.baseAddress else { return }
        unsafe ck_add_error(stored, start, given.count, &totals)
      }
    }
    differenceSquares = totals[0]
    squares = totals[1]
  }

  /// What was measured while numbers were stored.
  init(differenceSquares: Double, squares: Double) {
    self.differenceSquares = differenceSquares
    self.squares = squares
  }

  /// Root mean square of the differences, relative to that of the numbers; 0 for zeros, NaN where a
  /// number is not finite.
  public var relative: Double {
    squares == 0 ? 0 : (differenceSquares / squares).squareRoot()
  }

  /// The error of the same numbers, all multiplied by a factor.
  package func times(_ factor: Float) -> StoringError {
    var scaled = self
    scaled.differenceSquares *= Double(factor) * Double(factor)
    scaled.squares *= Double(factor) * Double(factor)
    return scaled
  }

  /// Adds what other numbers say.
  package static func += (left: inout StoringError, right: StoringError) {
    left.differenceSquares += right.differenceSquares
    left.squares += right.squares
  }
}

/// Errors of the portions of an output's tensors, which come in any order and are added up in that
/// of the output, so that sums are the same at every run.
package final class StoringErrors: Sendable {
  private let portions: Mutex<[[Int: StoringError]]>

  /// None yet, of that many tensors.
  package init(tensorCount: Int) {
    portions = Mutex(Array(repeating: [:], count: tensorCount))
  }

  /// Notes the error of the elements of a tensor from `first` on.
  package func add(_ error: StoringError, tensor: Int, first: Int) {
    portions.withLock { $0[tensor][first] = error }
  }

  /// The error of every tensor; nil for those that were not compared.
  package var tensors: [StoringError?] {
    portions.withLock { list in
      list.map { portions in
        guard !portions.isEmpty else { return nil }
        return portions.sorted { $0.key < $1.key }.reduce(into: StoringError()) { $0 += $1.value }
      }
    }
  }
}
