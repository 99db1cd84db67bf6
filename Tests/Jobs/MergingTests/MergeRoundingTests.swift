import Elements
import Merging
import Rewriting
import Tensors
import TestSupport
import Testing

@Suite("Rounding of merged weights")
struct MergeRoundingTests {
  private static let size = 1024
  private static let rank = 8

  private static func normals(_ count: Int, _ step: UInt32, _ spread: Double) -> [Float] {
    RandomStream(seed: 6, purpose: .test, step: step).normals(count: count)
      .map { Float(Double($0) * spread) }
  }

  private static let base = view("w", .bf16, [size, size], normals(size * size, 1, 0.02))
  private static let down = normals(rank * size, 2, 1)
  private static let up = normals(size * rank, 3, 1)
  /// A delta of a thousandth of the weights.
  private static let scale = 1e-3 * 0.02 / Double(rank).squareRoot()

  private func merge(_ rounding: Rounding) throws -> (weight: [Float], survival: Survival) {
    let delta = LowRankDelta(
      module: "m", rows: 0..<Self.size, columns: Self.size,
      factors: [.init(down: Self.down, up: Self.up, rank: Self.rank, scale: Self.scale)])
    let tensor = PlannedTensor(
      name: "w", shape: Self.base.shape,
      origin: .elements([TensorPiece(Self.base)], .cast(.bf16, rounding)))
    let maker = BakeMaker([tensor], deltas: [[ParameterDelta(delta)]])
    var bytes = [UInt8](repeating: 0, count: Self.size * Self.size * 2)
    var span = bytes.mutableSpan
    var output = unsafe span.mutableBytes
    _ = try maker.make(0..<Self.size * Self.size, of: 0, into: &output)
    let weight = unsafe TensorView(
      name: "w", dtype: .bf16, shape: Self.base.shape, copying: bytes.span.bytes)
    return (weight.floats(), try #require(maker.survivals.first).survival)
  }

  /// Sums of the exact merged weights' rows.
  private static let exactRowSums: [Double] = {
    let weights = base.floats()
    let columnSums = (0..<rank).map { k in
      down[k * size..<(k + 1) * size].reduce(0.0) { $0 + Double($1) }
    }
    return (0..<size).map { row in
      let own = weights[row * size..<(row + 1) * size].reduce(0.0) { $0 + Double($1) }
      return own
        + (0..<rank).reduce(0.0) {
          $0 + scale * Double(up[row * rank + $1]) * columnSums[$1]
        }
    }
  }()

  /// Root of the mean square of the row sums' errors.
  private func rowError(_ weights: [Float]) -> Double {
    let squares = (0..<Self.size).reduce(0.0) { sum, row in
      let own = weights[row * Self.size..<(row + 1) * Self.size].reduce(0.0) { $0 + Double($1) }
      let error = own - Self.exactRowSums[row]
      return sum + error * error
    }
    return (squares / Double(Self.size)).squareRoot()
  }

  @Test func feedbackKeepsRowSums() throws {
    let nearest = try merge(.nearest)
    let feedback = try merge(.feedback)
    // With feedback a row of 1024 is off by half a step of its last elements, not by a random walk.
    #expect(rowError(feedback.weight) < 0.2 * rowError(nearest.weight))
    // Entry by entry it is no closer, because much of what was added is with a neighbour: cosine and
    // gain say so.
    #expect(
      try #require(feedback.survival.cosine) < #require(nearest.survival.cosine))
    #expect(try #require(feedback.survival.gain) < 1)
  }

  @Test func stochasticRoundingIsUnbiasedAndRepeatable() throws {
    let one = try merge(.stochastic(seed: 1))
    #expect(try merge(.stochastic(seed: 1)).weight == one.weight)
    let two = try merge(.stochastic(seed: 2))
    #expect(two.weight != one.weight)
    // The mean over a million entries, against steps of about 1e-4: a deviation of 1e-7 at most.
    let exact = Self.exactRowSums.reduce(0, +)
    let mean = { (weights: [Float]) in
      (weights.reduce(0.0) { $0 + Double($1) } - exact) / Double(weights.count)
    }
    #expect(abs(mean(one.weight)) < 4e-7)
    #expect(abs(mean(two.weight)) < 4e-7)
    #expect(abs(try #require(one.survival.gain) - 1) < 0.05)
    // Nearest rounding to a gentle change loses some of it for good.
    let nearest = try merge(.nearest).survival
    #expect(try #require(one.survival.cosine) < #require(nearest.cosine))
  }
}
