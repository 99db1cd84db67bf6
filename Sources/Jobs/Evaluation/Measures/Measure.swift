#if canImport(Glibc)
  internal import Glibc
#endif

/// A figure of an arm: a function of the ratio of two sums over its pictures.
public enum Measure: String, Sendable, CaseIterable {
  /// Root of the mean squared difference of latents.
  case latentRMSE = "latent_rmse"
  /// Mean cosine of latents.
  case latentCosine = "latent_cosine"
  /// Peak signal-to-noise ratio of latents.
  case latentPSNR = "latent_psnr"
  /// Peak signal-to-noise ratio of pictures.
  case pixelPSNR = "pixel_psnr"
  /// Share of pictures with every attribute right.
  case allRight = "all_right"
  /// Share of attributes that are right.
  case attributes
  /// Of those, the layout.
  case layout
  /// The background.
  case background
  /// The sizes.
  case size
  /// The colours.
  case color
  /// The shapes.
  case shape
  /// Mean agreement of pictures with their prompts, as a CLIP model sees it.
  case clipScore = "clip_score"
  /// How far the pictures of one prompt are apart, the teacher's being 1.
  case diversity

  /// What people call it.
  public var title: String {
    switch self {
    case .latentRMSE: "latent RMSE"
    case .latentCosine: "latent cosine"
    case .latentPSNR: "latent PSNR, dB"
    case .pixelPSNR: "pixel PSNR, dB"
    case .allRight: "all right"
    case .clipScore: "CLIP score"
    default: rawValue
    }
  }

  /// Whether it holds a picture against the teacher's, so that the teacher itself has none.
  public var isOfFidelity: Bool {
    switch self {
    case .latentRMSE, .latentCosine, .latentPSNR, .pixelPSNR: true
    default: false
    }
  }

  /// Whether it needs a checker.
  public var isOfAttributes: Bool {
    switch self {
    case .allRight, .attributes, .layout, .background, .size, .color, .shape: true
    default: false
    }
  }

  /// What the ratio of sums becomes.
  ///
  /// - Parameters:
  ///   - mean: the ratio.
  ///   - latentRange: the largest number of the teacher's latents less the smallest.
  /// - Returns: the figure.
  package func figure(ofMean mean: Double, latentRange: Double) -> Double {
    switch self {
    case .latentRMSE: mean.squareRoot()
    case .latentPSNR: 10 * log10(latentRange * latentRange / mean)
    case .pixelPSNR: 10 * log10(255 * 255 / mean)
    default: mean
    }
  }

  /// What a picture adds to both sums.
  package func terms(of picture: PictureMeasures) -> (sum: Double, weight: Double) {
    func shares(_ heads: [Int]) -> (Double, Double) {
      let (right, present) = picture.attributes(heads)
      return (Double(right), Double(present))
    }
    switch self {
    case .latentRMSE, .latentPSNR: return (picture.latentSquaredError, 1)
    case .latentCosine: return (picture.latentCosine, 1)
    case .pixelPSNR: return (picture.pixelSquaredError, 1)
    case .allRight: return picture.isAllRight.map { ($0 ? 1 : 0, 1) } ?? (0, 0)
    case .attributes: return shares(AttributeKind.allCases.flatMap(\.heads))
    case .layout: return shares(AttributeKind.layout.heads)
    case .background: return shares(AttributeKind.background.heads)
    case .size: return shares(AttributeKind.size.heads)
    case .color: return shares(AttributeKind.color.heads)
    case .shape: return shares(AttributeKind.shape.heads)
    case .clipScore: return picture.clipScore.map { ($0, 1) } ?? (0, 0)
    case .diversity: return (0, 0)
    }
  }
}
