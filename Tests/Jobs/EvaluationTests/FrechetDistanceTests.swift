import Evaluation
import Testing

/// Expected numbers: numpy 2, `(mean difference)²` and
/// `trace(ca + cb) - 2 * sqrt(eigvalsh(root(ca) @ cb @ root(ca))).sum()` with `numpy.cov`.
@Suite("The Fréchet distance")
struct FrechetDistanceTests {
  @Test("is that of numpy with more pictures than numbers")
  func many() throws {
    let a = FeatureSet(rows: [[1, 2], [3, 5], [-1, 0.5], [2, 2.25], [0, 7]])
    let b = FeatureSet(rows: [[0, 1], [2, -3], [4, 1.5], [1, 1]])
    let distance = try FrechetDistance(a, b)
    // Sums of a few doubles in another order.
    #expect(abs(distance.ofMeans - 10.963125) < 1e-12)
    #expect(abs(distance.ofCovariances - 0.38910229522807427) < 1e-12)
    #expect(distance.hasEnoughPictures)
  }

  @Test("is that of numpy with fewer, and says so")
  func few() throws {
    let a = FeatureSet(rows: [[1, 2, 0, 4, 1], [3, 5, -2, 1, 0.5], [0, 1, 1, 2, 3]])
    let b = FeatureSet(rows: [[2, 0, 1, -1, 1], [1, 5, -2, 3, 0.25]])
    let distance = try FrechetDistance(a, b)
    #expect(abs(distance.ofMeans - 2.6267361111111116) < 1e-12)
    // numpy takes roots of eigenvalues that are 0 but for rounding, 1e-16: 1e-8 of a root.
    #expect(abs(distance.ofCovariances - 21.576280233140587) < 1e-6)
    #expect(!distance.hasEnoughPictures)
  }

  @Test("of a set to itself is 0")
  func same() throws {
    let set = FeatureSet(rows: [[1, 2], [3, 5], [-1, 0.5], [2, 2.25], [0, 7]])
    #expect(try FrechetDistance(set, set).value < 1e-12)
  }
}
