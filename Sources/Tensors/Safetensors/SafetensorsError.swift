public import Failures
public import SystemPackage
internal import Text

/// Why a safetensors file could not be read or written.
public enum SafetensorsError: Error, Equatable {
  /// The file is of another format.
  case notSafetensors(file: FilePath, format: ForeignFormat)
  /// There are fewer than the eight bytes of the header's length.
  case tooShort(file: FilePath, byteCount: Int)
  /// The header's length is over the format's limit.
  case headerTooLarge(file: FilePath, declared: UInt64, limit: Int)
  /// The header's length goes past the end of the file.
  case headerTruncated(file: FilePath, declared: Int, available: Int)
  /// The header is not what the format says.
  case malformedHeader(file: FilePath, fault: HeaderFault)
  /// The file ends before the last tensor does.
  case truncated(file: FilePath, expected: Int, found: Int)
  /// The file goes on after the last tensor.
  case trailingBytes(file: FilePath, count: Int)
  /// The index of a sharded checkpoint is wrong, or the shards are not as it says.
  case malformedIndex(file: FilePath, fault: IndexFault)
  /// A folder has no safetensors file.
  case noCheckpoint(folder: FilePath, variant: String?)
  /// A folder has several checkpoints.
  case severalCheckpoints(folder: FilePath, names: [String])
  /// A folder has weights in another format only.
  case otherCheckpoint(folder: FilePath, OtherCheckpoint)
  /// One shard of a checkpoint, without the others.
  case partOfCheckpoint(file: FilePath, number: Int, count: Int, missing: [String])
  /// Shards without an index that are not all there.
  case missingShards(folder: FilePath, names: [String])
  /// What was asked to be written can't be written as a safetensors file.
  case invalidOutput(file: FilePath, detail: String)
  /// Bytes of a tensor were never written.
  case incompleteOutput(file: FilePath, tensor: String, written: Int, expected: Int)
}

extension SafetensorsError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .noCheckpoint: .inputMissing
    case .notSafetensors, .tooShort, .headerTooLarge, .headerTruncated, .malformedHeader,
      .truncated, .trailingBytes, .malformedIndex, .severalCheckpoints, .otherCheckpoint,
      .partOfCheckpoint, .missingShards, .invalidOutput:
      .wrongData
    case .incompleteOutput: .internalMistake
    }
  }
}

extension SafetensorsError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .notSafetensors(let file, let format):
      "\(file): \(format.advice)"
    case .tooShort(let file, 0):
      "\(file): empty file, expected a safetensors header; is the download complete?"
    case .tooShort(let file, let byteCount):
      "\(file): file of \(byteCount) bytes, too short for the header length (8 bytes); "
        + "is the download complete?"
    case .headerTooLarge(let file, let declared, let limit):
      "\(file): header length \(declared), expected at most \(limit); is this a safetensors file?"
    case .headerTruncated(let file, let declared, let available):
      "\(file): header length \(declared), but the file ends after \(available) bytes of it; "
        + "is the download complete, and is this a safetensors file?"
    case .malformedHeader(let file, let fault):
      "\(file): \(fault)"
    case .truncated(let file, let expected, let found):
      "\(file): truncated: \(found) of \(expected) bytes are there; download or copy it again"
    case .trailingBytes(let file, let count):
      "\(file): \(count) bytes follow the last tensor, expected the file to end there"
    case .malformedIndex(let file, let fault):
      "\(file): \(fault)"
    case .noCheckpoint(let folder, nil):
      "\(folder): no safetensors file in this folder"
    case .noCheckpoint(let folder, let variant?):
      "\(folder): no safetensors file of variant '\(variant)' in this folder"
    case .severalCheckpoints(let folder, let names):
      "\(folder): several checkpoints in this folder (\(shortList(names))); name the one to open, "
        + "such as \(folder.appending(names.first ?? ""))"
    case .otherCheckpoint(let folder, let other): "\(folder): \(other.advice)"
    case .partOfCheckpoint(let file, let number, let count, let missing):
      "\(file): part \(number) of \(count) of a checkpoint, and \(shortList(missing)) "
        + "\(missing.count == 1 ? "is" : "are") not beside it; put all parts into one folder and "
        + "name that"
    case .missingShards(let folder, let names):
      "\(folder): no index, and shards are missing (\(shortList(names))); is the download complete?"
    case .invalidOutput(let file, let detail):
      "\(file): cannot be written: \(detail)"
    case .incompleteOutput(let file, let tensor, let written, let expected):
      "\(file): tensor '\(tensor)': \(written) bytes written, expected \(expected)"
    }
  }
}
