internal import LinearAlgebra

/// Features of pictures: a row of numbers each.
public struct FeatureSet: Sendable, Equatable {
  /// Pictures.
  public let count: Int
  /// Numbers of each.
  public let dimension: Int
  /// `[count, dimension]`.
  public let values: [Double]

  /// Rows one after another.
  public init(count: Int, dimension: Int, values: [Double]) {
    precondition(values.count == count * dimension, "values must be [count, dimension]")
    self.count = count
    self.dimension = dimension
    self.values = values
  }

  /// Rows of one length; at least one.
  public init(rows: [[Double]]) {
    self.init(count: rows.count, dimension: rows.first?.count ?? 0, values: rows.flatMap(\.self))
  }

  /// Whether there are more pictures than numbers of each, as a covariance needs that is no guess.
  public var hasEnoughPictures: Bool { count > dimension }

  /// The mean of every number.
  var mean: [Double] {
    var sums = [Double](repeating: 0, count: dimension)
    for row in 0..<count {
      for column in 0..<dimension { sums[column] += values[row * dimension + column] }
    }
    return sums.map { $0 / Double(count) }
  }

  /// The rows less their mean, `[count, dimension]`.
  func centred(at mean: [Double]) -> Matrix {
    var matrix = Matrix(rows: count, columns: dimension)
    for row in 0..<count {
      for column in 0..<dimension {
        matrix[row, column] = values[row * dimension + column] - mean[column]
      }
    }
    return matrix
  }
}
