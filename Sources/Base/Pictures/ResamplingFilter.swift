#if canImport(Glibc)
  internal import Glibc
#endif

/// How samples are weighted when a picture is scaled.
///
/// **Source:** Pillow, `src/libImaging/Resample.c`, `lanczos_filter` and `bicubic_filter`.
public enum ResamplingFilter: Sendable {
  /// A Lanczos window of three lobes.
  case lanczos
  /// Keys' cubic with a = -1/2.
  case bicubic

  /// How far it reaches on either side, in lines of the coarser picture.
  var reach: Double { self == .lanczos ? 3 : 2 }

  /// The weight of a line at a distance.
  func weight(at x: Double) -> Double {
    switch self {
    case .lanczos: abs(x) < reach ? Self.sinc(x) * Self.sinc(x / reach) : 0
    case .bicubic: Self.cubic(abs(x))
    }
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(.pi * x) / (.pi * x)
  }

  private static func cubic(_ x: Double) -> Double {
    let a = -0.5
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }
}
