internal import Concurrency
internal import Rewriting

/// The stored lengths of a module's columns, over those that its changed weight has by itself.
final class ColumnLengths: Sendable {
  /// Where some of the module's rows lie.
  struct Place: Sendable {
    /// Position of the tensor in the output.
    let tensor: Int
    let part: any DeltaPart
    let rows: PartRows
  }

  private let stored: [Float]
  private let places: [Place]
  private let found = FoundOnce<[Double]>()

  /// - Parameters:
  ///   - stored: the lengths.
  ///   - places: where all rows of the module lie.
  init(stored: [Float], places: [Place]) {
    self.stored = stored
    self.places = places
  }

  /// Rows that are summed by themselves, before their sums are: some, whatever the number of threads.
  private static let rowsTogether = 256

  /// What every column is multiplied by; 0 where the changed weight has no length.
  func factors(_ base: BaseNumbers) throws -> [Double] {
    try found.value {
      let blocks = places.flatMap { place in
        stride(from: 0, to: place.rows.sources.count, by: Self.rowsTogether).map {
          (place, $0..<min(place.rows.sources.count, $0 + Self.rowsTogether))
        }
      }
      let work = places.reduce(0) { $0 + 8 * $1.rows.sources.count * stored.count }
      let sums = try Parallel.map(blocks.count, work: work) { index throws in
        try squares(of: blocks[index].1, at: blocks[index].0, base)
      }
      var total = [Double](repeating: 0, count: stored.count)
      for sums in sums {
        for column in total.indices { total[column] += sums[column] }
      }
      return zip(stored, total).map { $1 > 0 ? Double($0) / $1.squareRoot() : 0 }
    }
  }

  /// The squares of some rows, summed column by column.
  private func squares(
    of rows: Range<Int>, at place: Place, _ base: BaseNumbers
  ) throws -> [Double] {
    let columns = stored.count
    // As many rows at a time as are quick to compute together.
    let together = max(1, TensorPortions.runLength / columns)
    var squares = [Double](repeating: 0, count: columns)
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: together) {
      let count = min(together, rows.upperBound - first)
      let start = (place.rows.first + first) * columns
      unsafe try place.part.withChanged(start..<start + count * columns, of: place.tensor, base) {
        weights, changes in
        unsafe squares.withUnsafeMutableBufferPointer { squares in
          for row in 0..<count {
            for column in 0..<columns {
              let sum =
                unsafe Double(weights[row * columns + column])
                + changes[row * columns + column]
              unsafe squares[column] += sum * sum
            }
          }
        }
      }
    }
    return squares
  }
}
