internal import Compute

#if canImport(Glibc)
  internal import Glibc
#endif

/// Positions of tokens on several axes, each of which turns some of a head's channel pairs.
///
/// Source: black-forest-labs/flux, `math.py`, `rope`; theta 10000, frequencies in double precision.
struct RotaryPositions {
  /// Channels of a head that each axis turns; even.
  let axes: [Int]

  /// The table of tokens at these positions, one value an axis.
  func table(_ positions: [[Int]]) -> RotaryTable {
    let pairs = axes.reduce(0, +) / 2
    var cosines = [Float](repeating: 0, count: positions.count * pairs)
    var sines = cosines
    for (row, position) in positions.enumerated() {
      var pair = row * pairs
      for (axis, channels) in axes.enumerated() {
        for index in stride(from: 0, to: channels, by: 2) {
          let frequency = pow(10_000, -Double(index) / Double(channels))
          let angle = Double(position[axis]) * frequency
          cosines[pair] = Float(cos(angle))
          sines[pair] = Float(sin(angle))
          pair += 1
        }
      }
    }
    let shape = [positions.count, pairs]
    return RotaryTable(
      cosines: Tensor(shape: shape, cosines), sines: Tensor(shape: shape, sines),
      pairing: .neighbours)
  }
}
