internal import COpenBLAS
public import Failures

/// OpenBLAS, which is no part of the program: it is opened when it is first needed, and the program's own
/// kernels serve without it, but for LAPACK.
public enum OpenBLAS {
  /// Whether it is there.
  public static let isThere = ob_open() != 0

  /// Its library, and Debian's package of that.
  static let (library, package) = ("libopenblas.so.0", "libopenblas0")

  /// Asks for it.
  ///
  /// - Throws: ``Missing`` where it isn't there.
  public static func require() throws(Missing) { if !isThere { throw Missing() } }

  /// It is needed, and isn't there.
  public struct Missing: ClassifiedError, CustomStringConvertible {
    /// What to do.
    public var description: String { "\(OpenBLAS.library): \(OpenBLAS.advice)" }
    /// Something that is needed isn't available.
    public var failureKind: FailureKind { .unavailable }
  }

  /// What to do where it isn't there.
  package static let advice =
    "OpenBLAS isn't there, which this needs; install the package \(package)"
}
