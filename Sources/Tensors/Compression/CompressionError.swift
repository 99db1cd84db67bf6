public import Failures
public import SystemPackage

/// Why a checkpoint can't be compressed or restored.
public enum CompressionError: Error, Equatable {
  /// The file is no compressed checkpoint.
  case notCompressed(file: FilePath)
  /// The file is compressed already.
  case alreadyCompressed(file: FilePath)
  /// A tensor has a name that compressed checkpoints keep for themselves.
  case reservedName(file: FilePath, tensor: String)
  /// The container contradicts itself or fails a checksum.
  case damaged(file: FilePath, detail: String)
  /// A tensor's packed stream is damaged.
  case damagedTensor(file: FilePath, tensor: String, fault: PackedFault)
  /// A delta was opened without its base.
  case baseNeeded(file: FilePath, base: String)
  /// The base given is not the one that the delta was made from.
  case wrongBase(file: FilePath, base: FilePath, expected: String, found: String)
  /// The header given is not that of the tensors given.
  case otherHeader(file: FilePath)
  /// One file was expected, and there are several.
  case severalFiles(folder: FilePath, count: Int)
}

extension CompressionError: ClassifiedError, CustomStringConvertible {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .baseNeeded: .inputMissing
    case .otherHeader: .internalMistake
    case .notCompressed, .alreadyCompressed, .reservedName, .damaged, .damagedTensor, .wrongBase,
      .severalFiles:
      .wrongData
    }
  }

  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .notCompressed(let file): "\(file): not a compressed checkpoint"
    case .alreadyCompressed(let file):
      "\(file): is compressed already; restore it first to compress it against another base"
    case .reservedName(let file, let tensor):
      "\(file): tensor '\(tensor)': names that begin with '\(OriginalHeader.tensorName)' are kept "
        + "for compressed checkpoints; rename it"
    case .damaged(let file, let detail): "\(file): \(detail); download or copy it again"
    case .damagedTensor(let file, let tensor, let fault):
      "\(file): tensor '\(tensor)': \(fault); download or copy it again"
    case .baseNeeded(let file, let base):
      "\(file): a delta from '\(base)', which is needed to restore it; say where it is (--base)"
    case .wrongBase(let file, let base, let expected, let found):
      "\(file): \(base) is not the base that this delta was made from: expected \(expected), "
        + "found \(found)"
    case .otherHeader(let file): "\(file): the original header is not that of these tensors"
    case .severalFiles(let folder, let count):
      "\(folder): \(count) files, expected one; restore them one by one"
    }
  }
}
