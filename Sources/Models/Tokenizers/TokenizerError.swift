public import Failures
public import SystemPackage

/// Why a tokenizer could not be made from the files of a folder.
public enum TokenizerError: Error, Equatable {
  /// A file is there, or should be, and can't be read.
  case cannotRead(file: FilePath, reason: Errno)
  /// None of the sets of files that hold this kind of tokenizer is in the folder.
  case missingFiles(folder: FilePath, expected: String)
  /// A file is not what its format says.
  case malformed(file: FilePath, detail: String)
  /// A token that the tokenizer needs, or that another file names, isn't in the vocabulary.
  case missingToken(file: FilePath, token: String)
  /// A file is in order, but describes another kind of tokenizer.
  case unsupported(file: FilePath, detail: String)
}

extension TokenizerError: ClassifiedError {
  /// What went wrong in general, so that a command ends with the right status.
  public var failureKind: FailureKind {
    switch self {
    case .cannotRead(_, .ioError): .inputOutput
    case .cannotRead, .missingFiles: .inputMissing
    case .malformed, .missingToken, .unsupported: .wrongData
    }
  }
}

extension TokenizerError: CustomStringConvertible {
  /// One line: file, what was expected, what was found.
  public var description: String {
    switch self {
    case .cannotRead(let file, let reason):
      "\(file): cannot read: \(reason)"
    case .missingFiles(let folder, let expected):
      "\(folder): no tokenizer, expected \(expected)"
    case .malformed(let file, let detail):
      "\(file): \(detail)"
    case .missingToken(let file, let token):
      "\(file): no token '\(shown(token))' in the vocabulary"
    case .unsupported(let file, let detail):
      "\(file): \(detail)"
    }
  }
}

/// A text of a file, cut and cleaned for a message on a terminal.
func shown(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars.prefix(64) {
    let isPrintable =
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: false
      default: true
      }
    result.unicodeScalars.append(isPrintable ? scalar : "\u{FFFD}")
  }
  return text.unicodeScalars.count > 64 ? result + "…" : result
}
