internal import LinearAlgebra

/// The Fréchet distance between the normal distributions that fit two sets of features:
/// |μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½).
///
/// The trace of the root is the sum of the singular values of A·Bᵀ, where Σ = AᵀA: so no square root
/// of a singular matrix is taken, and a set may have fewer pictures than numbers.
///
/// **Source:** Dowson and Landau, "The Fréchet distance between multivariate normal distributions"
/// (1982); Heusel et al., "GANs trained by a two time-scale update rule" (arXiv 1706.08500).
public struct FrechetDistance: Sendable, Equatable {
  /// |μa - μb|².
  public let ofMeans: Double
  /// tr(Σa + Σb - 2 (Σa Σb)^½).
  public let ofCovariances: Double
  /// Whether both sets have more pictures than numbers a picture; else the distance is too large, the
  /// more so the fewer there are.
  public let hasEnoughPictures: Bool

  /// The whole.
  public var value: Double { ofMeans + ofCovariances }

  /// The distance of two sets of one dimension, each of two pictures at least.
  ///
  /// - Throws: ``EvaluationError/notComputable(what:)``, ``EvaluationError/noLibrary(what:)``.
  public init(_ a: FeatureSet, _ b: FeatureSet) throws(EvaluationError) {
    precondition(a.dimension == b.dimension && a.count > 1 && b.count > 1, "two sets that compare")
    hasEnoughPictures = a.hasEnoughPictures && b.hasEnoughPictures
    let means = (a.mean, b.mean)
    ofMeans = zip(means.0, means.1).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let (left, right) = (a.centred(at: means.0), b.centred(at: means.1))
    let (m, n) = (Double(a.count - 1), Double(b.count - 1))
    do throws(MatrixFault) {
      let roots = try left.compact().times(right.compact(), transposingOther: true)
      let trace = try roots.singularValues().reduce(0, +) / (m * n).squareRoot()
      let variance = left.norm * left.norm / m + right.norm * right.norm / n
      // What rounding leaves of two equal sets may be below nothing.
      ofCovariances = max(0, variance - 2 * trace)
    } catch .noLibrary {
      throw .noLibrary(what: "the Fréchet distance")
    } catch {
      throw .notComputable(what: "the Fréchet distance")
    }
  }
}

extension Matrix {
  /// A matrix M with MᵀM = selfᵀ·self and no more rows than columns.
  fileprivate func compact() throws(MatrixFault) -> Matrix {
    rows > columns ? try triangularFactor() : self
  }
}
