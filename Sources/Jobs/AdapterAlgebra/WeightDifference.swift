internal import Compute
internal import Concurrency
internal import Elements
internal import SystemPackage
internal import Tensors

/// Tuned minus base of one parameter, in float32: rounded once, and exact where the two are of a
/// 16-bit type and close to each other.
struct WeightDifference {
  /// `[rows, columns]`.
  let values: Tensor
  /// Squared norm of the difference.
  let energy: Double
  /// Squared norm of the base.
  let baseEnergy: Double

  /// Reads both sides in pieces of rows, several at a time.
  init(base: NamedWeight, tuned: NamedWeight) throws {
    let rows = base.weight.shape.first ?? 1
    let columns = base.weight.shape.dropFirst().elementCount
    let size = Self.rowsAtATime(columns)
    let pieceCount = (rows + size - 1) / max(1, size)
    var energies: [SIMD2<Double>] = []
    values = try unsafe Tensor(shape: [rows, columns]) { output in
      unsafe output.initialize(repeating: 0)
      guard let start = output.baseAddress else { return }
      energies = try Parallel.map(pieceCount, work: 4 * rows * columns) { piece in
        let range = piece * size..<min(rows, (piece + 1) * size)
        let own = unsafe UnsafeMutableBufferPointer(
          start: start + range.lowerBound * columns, count: range.count * columns)
        var difference = unsafe MutableSpan(_unsafeElements: own)
        return try Self.subtract(base, tuned, range, into: &difference)
      }
    }
    let sum = energies.reduce(.zero, +)
    guard sum.x.isFinite, sum.y.isFinite else {
      throw AlgebraError.notFinite(tensor: sum.y.isFinite ? tuned.name : base.name)
    }
    energy = sum.x
    baseEnergy = sum.y
  }

  /// A piece is some 2 MB of float32; its bounds depend on the shape alone.
  private static func rowsAtATime(_ columns: Int) -> Int { max(1, (1 << 19) / max(1, columns)) }

  private static func subtract(
    _ base: NamedWeight, _ tuned: NamedWeight, _ range: Range<Int>,
    into difference: inout MutableSpan<Float>
  ) throws -> SIMD2<Double> {
    let width = range.isEmpty ? 0 : difference.count / range.count
    let elements = range.lowerBound * width..<range.upperBound * width
    try tuned.weight.widen(elements, into: &difference)
    var original = [Float](repeating: 0, count: difference.count)
    var span = original.mutableSpan
    try base.weight.widen(elements, into: &span)
    var (energy, baseEnergy) = (0.0, 0.0)
    for index in original.indices {
      difference[index] -= original[index]
      energy += Double(difference[index]) * Double(difference[index])
      baseEnergy += Double(original[index]) * Double(original[index])
    }
    return SIMD2(energy, baseEnergy)
  }
}
