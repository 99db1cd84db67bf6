/// How the numbers of two tensors of the same shape differ.
public struct TensorDifference: Sendable, Equatable {
  /// All elements.
  public internal(set) var elementCount = 0
  /// Elements that aren't equal; two NaN are, and so are 0 and -0.
  public internal(set) var unequalCount = 0
  /// Unequal elements of which one or both are NaN or infinite; they take no part in the norms.
  public internal(set) var notFiniteCount = 0
  /// The greatest distance between two elements.
  public internal(set) var maximum = 0.0
  /// The sum of squared distances.
  public internal(set) var squaredDifferences = 0.0
  /// The sum of the second tensor's squares.
  public internal(set) var squaredReference = 0.0

  /// The Frobenius norm of the difference.
  public var norm: Double { squaredDifferences.squareRoot() }
  /// The norm of the difference as a share of the second tensor's: the relative root mean square.
  /// Infinite when that is zero and the difference isn't.
  public var relative: Double {
    squaredDifferences == 0 ? 0 : (squaredDifferences / squaredReference).squareRoot()
  }

  init() {}

  /// Adds the difference of other elements.
  mutating func add(_ other: TensorDifference) {
    elementCount += other.elementCount
    unequalCount += other.unequalCount
    notFiniteCount += other.notFiniteCount
    maximum = max(maximum, other.maximum)
    squaredDifferences += other.squaredDifferences
    squaredReference += other.squaredReference
  }
}
