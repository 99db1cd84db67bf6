/// The weights that make each output line (row or column) of input lines: a filter, stretched by the
/// scale when the picture shrinks, so that nothing aliases.
///
/// Fixed point with 22 bits after the point: integer sums, hence the same bytes everywhere.
///
/// Source: Pillow, `src/libImaging/Resample.c`, `precompute_coeffs`, `normalize_coeffs_8bpc`.
struct ResamplingWeights {
  /// Input lines of each output line.
  private(set) var inputs: [Range<Int>] = []
  /// Whether output equals input.
  let isIdentity: Bool

  private var weights: [Int32] = []
  private let tapLimit: Int
  private static let fractionBits: Int32 = 22

  /// - Parameters:
  ///   - start: the first edge of the part that is scaled, in input lines.
  ///   - end: its other edge.
  ///   - inputCount: lines there are; those around the part take part where they exist.
  ///   - outputCount: lines to make.
  ///   - filter: how lines are weighted.
  init(
    from start: Double, to end: Double, of inputCount: Int, outputCount: Int,
    _ filter: ResamplingFilter
  ) {
    // Pillow keeps these edges in single precision.
    let (start, end) = (Float(start), Float(end))
    isIdentity = outputCount == inputCount && start == 0 && end == Float(inputCount)
    let scale = Double(end - start) / Double(outputCount)
    let stretch = max(scale, 1)
    let reach = filter.reach * stretch
    tapLimit = Int(reach.rounded(.up)) * 2 + 1
    weights = [Int32](repeating: 0, count: outputCount * tapLimit)
    inputs.reserveCapacity(outputCount)
    for output in 0..<outputCount {
      let center = Double(start) + (Double(output) + 0.5) * scale
      let first = max(0, Int(center - reach + 0.5))
      let last = min(inputCount, Int(center + reach + 0.5))
      let values = (first..<last).map { input in
        filter.weight(at: (Double(input) - center + 0.5) / stretch)
      }
      let sum = values.reduce(0, +)
      for (tap, value) in values.enumerated() {
        let fixed = value / sum * Double(1 << ResamplingWeights.fractionBits)
        weights[output * tapLimit + tap] = Int32(fixed.rounded(.toNearestOrAwayFromZero))
      }
      inputs.append(first..<last)
    }
  }

  var outputCount: Int { inputs.count }

  /// Every input line that some output line needs.
  var inputRange: Range<Int> { inputs[0].lowerBound..<inputs[inputs.count - 1].upperBound }

  subscript(output: Int, tap: Int) -> Int32 { weights[output * tapLimit + tap] }

  /// A weighted sum of samples as a sample.
  static func sample(_ sum: Int32) -> UInt8 {
    UInt8(clamping: (sum &+ (1 << (fractionBits - 1))) >> fractionBits)
  }
}
