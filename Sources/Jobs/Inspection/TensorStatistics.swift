/// What the numbers of a tensor are like. NaN and infinities are counted and take no part in the
/// rest.
public struct TensorStatistics: Sendable, Equatable {
  /// All elements.
  public let elementCount: Int
  /// Elements that are finite.
  public let finiteCount: Int
  /// Elements that are 0 or -0.
  public let zeroCount: Int
  /// Elements that are NaN.
  public let nanCount: Int
  /// Elements that are infinite, of either sign.
  public let infinityCount: Int
  /// Elements that aren't 0 and are smaller than ``smallLimit``.
  public let smallCount: Int
  /// The least number; nil when none is finite.
  public let minimum: Double?
  /// The greatest number.
  public let maximum: Double?
  /// The mean.
  public let mean: Double?
  /// The standard deviation of the population: the root of the mean squared distance from the mean.
  public let standardDeviation: Double?
  /// How many numbers lie in each of 16 equal parts of what is between minimum and maximum; a number
  /// on a border belongs to the part above it, the maximum to the last.
  public let histogram: [Int]

  /// The least normal number of E4M3: what is smaller loses precision when it is stored in that type
  /// without a scale.
  ///
  /// **Source:** OCP 8-bit Floating Point Specification (OFP8) 1.0, table 1.
  public static let smallLimit = 0x1p-6
  /// Parts of ``histogram``.
  public static let binCount = 16

  init(_ summary: NumberSummary, histogram: [Int]) {
    elementCount = summary.finiteCount + summary.nanCount + summary.infinityCount
    finiteCount = summary.finiteCount
    zeroCount = summary.zeroCount
    nanCount = summary.nanCount
    infinityCount = summary.infinityCount
    smallCount = summary.smallCount
    let isEmpty = summary.finiteCount == 0
    minimum = isEmpty ? nil : summary.minimum
    maximum = isEmpty ? nil : summary.maximum
    mean = isEmpty ? nil : summary.mean
    standardDeviation =
      isEmpty ? nil : (summary.squaredDistances / Double(summary.finiteCount)).squareRoot()
    self.histogram = histogram
  }

  /// The greatest size of a number.
  public var absoluteMaximum: Double? {
    guard let minimum, let maximum else { return nil }
    return max(-minimum, maximum)
  }

  /// A count as a share of all elements; 0 when there is none.
  public func share(_ count: Int) -> Double {
    elementCount == 0 ? 0 : Double(count) / Double(elementCount)
  }
}

/// Counts and moments of numbers, in a form that can be put together.
struct NumberSummary: Sendable, Equatable {
  var finiteCount = 0
  var zeroCount = 0
  var nanCount = 0
  var infinityCount = 0
  var smallCount = 0
  var minimum = Double.infinity
  var maximum = -Double.infinity
  var mean = 0.0
  /// The sum of squared distances from the mean.
  var squaredDistances = 0.0

  /// Adds the summary of other numbers.
  ///
  /// **Source:** Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
  /// sample variances" (1979).
  mutating func add(_ other: NumberSummary) {
    zeroCount += other.zeroCount
    nanCount += other.nanCount
    infinityCount += other.infinityCount
    smallCount += other.smallCount
    guard other.finiteCount > 0 else { return }
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
    let (own, others) = (Double(finiteCount), Double(other.finiteCount))
    let distance = other.mean - mean
    mean += distance * (others / (own + others))
    squaredDistances += other.squaredDistances
    squaredDistances += distance * distance * (own * others / (own + others))
    finiteCount += other.finiteCount
  }
}

/// Where a number's bin is: (number / 2 - minimum / 2) · scale, rounded down. Halves, so that nothing
/// overflows between the largest numbers.
struct HistogramRange: Sendable {
  let minimum: Double
  let scale: Double

  init(_ summary: NumberSummary) {
    minimum = summary.finiteCount == 0 ? 0 : summary.minimum
    let width = summary.maximum * 0.5 - minimum * 0.5
    let scale = Double(TensorStatistics.binCount) / width
    // All numbers are equal, or so near that they can't be told apart.
    self.scale = scale.isFinite && width > 0 ? scale : 0
  }

  /// The bin of a finite number.
  func bin(of number: Double) -> Int {
    let place = (number * 0.5 - minimum * 0.5) * scale
    return Int(max(0, min(place, Double(TensorStatistics.binCount - 1))))
  }
}
