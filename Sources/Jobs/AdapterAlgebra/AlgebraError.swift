internal import Checkpoints
internal import Compute
public import Failures
public import SystemPackage

/// Why adapters can't be computed with.
public enum AlgebraError: Error {
  /// A number of a factor or weight is NaN or infinite.
  case notFinite(tensor: String)
  /// Numbers of a result are beyond what float32 can hold.
  case overflow(module: String)
  /// Elements of a tensor are of a type that can't be computed with.
  case unsupportedDType(tensor: String, found: String)
  /// A module has other sizes in two adapters.
  case shapesDiffer(module: String, expected: [Int], found: [Int])
  /// Adapters were made for different families.
  case otherFamily(expected: String, found: String)
  /// Two checkpoints aren't of one model.
  case differentModels(base: FilePath, tuned: FilePath, detail: String)
  /// A module is larger than LAPACK's integers or this machine's memory allow.
  case tooLarge(module: String, rows: Int, columns: Int)
  /// LAPACK gave up.
  case notConverged(module: String)
  /// There is no LAPACK.
  case noLibrary(module: String)
  /// A base doesn't tell what an adapter began with.
  case untoldBeginning(String)
  /// Nothing is left to make an adapter of.
  case empty(String)
  /// What was asked for makes no sense.
  case usage(String)
}

extension AlgebraError: ClassifiedError, CustomStringConvertible {
  /// One line: what, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .notFinite(let tensor): "'\(tensor)' holds NaN or infinity, expected finite numbers"
    case .overflow(let module):
      "module '\(module)': the result is beyond float32; use smaller weights"
    case .unsupportedDType(let tensor, let found):
      "'\(tensor)' is \(found), expected F64, F32, F16, BF16 or an unscaled F8; convert it first"
    case .shapesDiffer(let module, let expected, let found):
      "module '\(module)' is \(found), expected \(expected) as in the first adapter"
    case .otherFamily(let expected, let found):
      "an adapter for \(found), but the first is for \(expected)"
    case .differentModels(let base, let tuned, let detail):
      "\(tuned): not a tuned form of \(base): \(detail)"
    case .tooLarge(let module, let rows, let columns):
      "module '\(module)': \(rows) x \(columns) is too large to factorise"
    case .notConverged(let module):
      "module '\(module)': its singular values can't be computed"
    case .noLibrary(let module):
      "module '\(module)': can't be factorised: \(OpenBLAS.advice)"
    case .empty(let detail), .untoldBeginning(let detail): detail
    case .usage(let detail): detail
    }
  }

  /// That of the error inside, or by what went wrong.
  public var failureKind: FailureKind {
    switch self {
    case .usage: .usage
    case .tooLarge, .noLibrary: .unavailable
    default: .wrongData
    }
  }
}
