public import Elements
public import Failures
public import SystemPackage
internal import Text

/// Why a GGUF file could not be read or written.
public enum GGUFError: Error, Equatable {
  /// The file's bytes are not what the format says.
  case malformed(file: FilePath, fault: GGUFFault)
  /// A tensor in blocks of a type that is known and not decoded.
  case cannotDecode(file: FilePath, tensor: String, type: BlockType)
  /// The metadata give a tensor another shape than its elements fill.
  case wrongOriginalShape(file: FilePath, tensor: String, expected: String, found: String)
  /// One part of a split file, without the others.
  case partOfCheckpoint(file: FilePath, number: Int, count: Int, missing: [String])
  /// The parts of a split file contradict each other.
  case wrongPart(file: FilePath, expected: String, found: String)
  /// No preset has that name.
  case unknownPreset(name: String, known: [String])
  /// What was asked to be written can't be written as a GGUF file.
  case invalidOutput(file: FilePath, detail: String)
  /// Bytes of a tensor were never written.
  case incompleteOutput(file: FilePath, tensor: String, written: Int, expected: Int)
}

extension GGUFError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .malformed(let file, let fault):
      "\(file): \(fault)"
    case .cannotDecode(let file, let tensor, let type):
      "\(file): tensor \(quoted(tensor)): type \(type.name) is not decoded, expected one of "
        + GGUFType.allCases.filter(\.isReadable).map(\.name).joined(separator: ", ")
    case .wrongOriginalShape(let file, let tensor, let expected, let found):
      "\(file): key \(quoted(GGUFFile.originalShapePrefix + tensor)): \(found), "
        + "expected \(expected)"
    case .partOfCheckpoint(let file, let number, let count, let missing):
      "\(file): part \(number) of \(count) of a split GGUF, and \(missing.joined(separator: ", ")) "
        + "\(missing.count == 1 ? "is" : "are") not beside it; put all parts into one folder, under "
        + "the names that they were split into"
    case .wrongPart(let file, let expected, let found):
      "\(file): \(found), expected \(expected); are the parts of one split?"
    case .unknownPreset(let name, let known):
      "no GGUF type \(quoted(name)), expected one of \(known.joined(separator: ", "))"
    case .invalidOutput(let file, let detail):
      "\(file): cannot be written: \(detail)"
    case .incompleteOutput(let file, let tensor, let written, let expected):
      "\(file): tensor \(quoted(tensor)): \(written) bytes written, expected \(expected)"
    }
  }
}

extension GGUFError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .malformed, .cannotDecode, .wrongOriginalShape, .invalidOutput, .partOfCheckpoint,
      .wrongPart:
      .wrongData
    case .unknownPreset: .usage
    case .incompleteOutput: .internalMistake
    }
  }
}
