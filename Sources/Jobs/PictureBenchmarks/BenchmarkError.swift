public import Failures
public import SystemPackage

/// What is wrong with a benchmark's prompts or scores, or with a set of pictures for it.
public enum BenchmarkError: Error, Equatable {
  /// A file or folder can't be read.
  case unreadable(file: FilePath, reason: String)
  /// A file says something else than its benchmark's do; lines count from 1.
  case wrong(file: FilePath, line: Int? = nil, expected: String, found: String)
  /// A value that was given can't be used.
  case invalid(source: String, expected: String, found: String)
  /// Pictures of other settings are in the way.
  case otherSettings(manifest: FilePath, key: String, there: String, asked: String)
  /// A picture is in the way that nothing tells the settings of.
  case unknownPicture(file: FilePath, manifest: FilePath)
}

extension BenchmarkError: ClassifiedError, CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): cannot read: \(reason)"
    case .wrong(let file, let line, let expected, let found):
      "\(file): \(line.map { "line \($0): " } ?? "")expected \(expected), found \(found)"
    case .invalid(let source, let expected, let found):
      "\(source): expected \(expected), found \(found)"
    case .otherSettings(let manifest, let key, let there, let asked):
      "\(manifest): its pictures were drawn with '\(key)' \(there), asked for is \(asked); choose "
        + "another name or folder, or have them drawn anew (--force)"
    case .unknownPicture(let file, let manifest):
      "\(file): exists already, and no \(manifest) says how it was drawn; choose another name or "
        + "folder, or have it drawn anew (--force)"
    }
  }

  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .unreadable: .inputMissing
    case .wrong: .wrongData
    case .invalid: .usage
    case .otherSettings, .unknownPicture: .outputRefused
    }
  }
}
