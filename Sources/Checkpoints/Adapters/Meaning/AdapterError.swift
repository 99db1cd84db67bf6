public import Failures
public import SystemPackage

/// Why an adapter can't be read or written.
public enum AdapterError: Error {
  /// An adapter can't be used as it stands.
  case unusable(file: FilePath, problems: [AdapterProblem])
  /// An adapter's modules don't fit a base.
  case doesNotFit(file: FilePath, coverage: AdapterCoverage)
  /// A key of the metadata holds something else than it must.
  case badMetadata(file: FilePath, key: String, expected: String, found: String)
  /// A file isn't a bundle of experts.
  case notABundle(file: FilePath, detail: String)
  /// An adapter can't be written as asked.
  case cannotWrite(file: FilePath, detail: String)
  /// A checkpoint in a baked expert's place is no transformer, or says of no phase that it is for.
  case notBaked(file: FilePath)
  /// What was written doesn't read back as it was meant.
  case readBackDiffers(file: FilePath, detail: String)
}

extension AdapterError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .unusable(let file, let problems):
      "\(file): " + problems.prefix(10).map(\.description).joined(separator: "; ")
        + (problems.count > 10 ? "; and \(problems.count - 10) more" : "")
    case .doesNotFit(let file, let coverage): "\(file): \(coverage)"
    case .badMetadata(let file, let key, let expected, let found):
      "\(file): metadata '\(key)' is '\(found)', expected \(expected)"
    case .notABundle(let file, let detail):
      // Experts that are not in a file yet have no name to say.
      (file.isEmpty ? "" : "\(file): ") + "not a bundle of experts: \(detail)"
    case .cannotWrite(let file, let detail): "\(file): not written: \(detail)"
    case .notBaked(let file):
      "\(file): expected a transformer that declares its phase ('glance.phase'), as glance-merge "
        + "--phase both writes it, found one that doesn't; bake it again, or say it: "
        + "--transformer slow=FILE --transformer fast=FILE"
    case .readBackDiffers(let file, let detail):
      "\(file): what was written reads back differently: \(detail)"
    }
  }
}

extension AdapterError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .readBackDiffers: .inputOutput
    case .cannotWrite: .usage
    default: .wrongData
    }
  }
}

/// Why an adapter can't be written as asked, before it is known where.
struct AdapterWritingFault: Error {
  let detail: String
}
