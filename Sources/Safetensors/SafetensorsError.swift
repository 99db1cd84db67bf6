public import SystemPackage

/// Why a safetensors file could not be read or written.
public enum SafetensorsError: Error, Equatable {
  /// The file can't be opened or mapped.
  case cannotOpen(file: FilePath, reason: Errno)
  /// There is something, but not a regular file.
  case notARegularFile(file: FilePath, kind: FileKind)
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
  /// The file can't be mapped into memory.
  case cannotMap(file: FilePath, byteCount: Int, reason: Errno)
  /// Reading failed.
  case readFailed(file: FilePath, reason: Errno)
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
  /// Two shards without an index have a tensor of the same name.
  case tensorInTwoShards(folder: FilePath, tensor: String, shards: [String])
  /// A file's bytes make no sense, or fail their checksum, when a tensor is made from them.
  case damagedContent(file: FilePath, detail: String)
  /// A tensor that the caller needs isn't there.
  case missingTensor(file: FilePath, tensor: String)
  /// The output, or its temporary, can't be created.
  case cannotCreate(file: FilePath, reason: Errno)
  /// The output's folder isn't there.
  case noFolder(file: FilePath, folder: FilePath)
  /// The output exists and may not be replaced.
  case destinationExists(file: FilePath)
  /// The output folder exists and may not be replaced as a whole.
  case cannotReplaceFolder(folder: FilePath, reason: String)
  /// What was asked to be written can't be written as a safetensors file.
  case invalidOutput(file: FilePath, detail: String)
  /// Bytes of a tensor were never written.
  case incompleteOutput(file: FilePath, tensor: String, written: Int, expected: Int)
  /// Reserving space, writing, synchronising or renaming failed.
  case writeFailed(file: FilePath, reason: Errno)
}

extension SafetensorsError {
  /// What went wrong in general, so that a command ends with the right status.
  public enum Kind: Sendable {
    /// An input isn't there or can't be opened.
    case inputMissing
    /// An input is there, and wrong.
    case dataWrong
    /// An output can't be created, or exists.
    case outputRefused
    /// Reading or writing failed; the disk is full.
    case inputOutput
    /// There is not enough memory.
    case unavailable
    /// A caller in this program asked for what makes no sense.
    case internalMistake
  }

  /// What went wrong in general.
  public var kind: Kind {
    switch self {
    case .cannotOpen(_, .ioError): .inputOutput
    case .cannotOpen, .noCheckpoint: .inputMissing
    case .notARegularFile, .notSafetensors, .tooShort, .headerTooLarge, .headerTruncated,
      .malformedHeader, .truncated, .trailingBytes, .malformedIndex, .severalCheckpoints,
      .otherCheckpoint, .partOfCheckpoint, .missingShards, .tensorInTwoShards, .damagedContent,
      .missingTensor:
      .dataWrong
    case .cannotMap: .unavailable
    case .readFailed: .inputOutput
    case .cannotCreate(_, .noSpace), .cannotCreate(_, .ioError),
      .cannotCreate(_, .diskQuotaExceeded):
      .inputOutput
    case .cannotCreate, .noFolder, .destinationExists, .cannotReplaceFolder: .outputRefused
    case .invalidOutput: .dataWrong
    case .incompleteOutput: .internalMistake
    case .writeFailed: .inputOutput
    }
  }
}

extension SafetensorsError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .cannotOpen(let file, let reason):
      "\(file): cannot open: \(reason)"
    case .notARegularFile(let file, let kind):
      "\(file): \(kind.rawValue), expected a regular file"
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
    case .cannotMap(let file, let byteCount, let reason):
      "\(file): cannot map \(byteCount) bytes into memory: \(reason); "
        + "is the address space limited (ulimit -v)?"
    case .readFailed(let file, let reason):
      "\(file): cannot read: \(reason)"
    case .malformedIndex(let file, let fault):
      "\(file): \(fault)"
    case .noCheckpoint(let folder, nil):
      "\(folder): no safetensors file in this folder"
    case .noCheckpoint(let folder, let variant?):
      "\(folder): no safetensors file of variant '\(variant)' in this folder"
    case .severalCheckpoints(let folder, let names):
      "\(folder): several checkpoints in this folder (\(list(names))); name the one to open, "
        + "such as \(folder.appending(names.first ?? ""))"
    case .otherCheckpoint(let folder, let other): "\(folder): \(other.advice)"
    case .partOfCheckpoint(let file, let number, let count, let missing):
      "\(file): part \(number) of \(count) of a checkpoint, and \(list(missing)) "
        + "\(missing.count == 1 ? "is" : "are") not beside it; put all parts into one folder and "
        + "name that"
    case .missingShards(let folder, let names):
      "\(folder): no index, and shards are missing (\(list(names))); is the download complete?"
    case .tensorInTwoShards(let folder, let tensor, let shards):
      "\(folder): tensor \(quoted(tensor)) is in several shards (\(list(shards)))"
    case .damagedContent(let file, let detail):
      "\(file): \(detail); download or copy it again"
    case .missingTensor(let file, let tensor):
      "\(file): no tensor \(quoted(tensor))"
    case .cannotCreate(let file, let reason):
      "\(file): cannot create: \(reason)"
    case .noFolder(let file, let folder):
      "\(file): cannot create: there is no folder '\(folder)'; make it first"
    case .destinationExists(let file):
      "\(file): exists already; choose another name or allow overwriting (--force)"
    case .cannotReplaceFolder(let folder, let reason):
      "\(folder): cannot be replaced: \(reason); choose another name or remove it yourself"
    case .invalidOutput(let file, let detail):
      "\(file): cannot be written: \(detail)"
    case .incompleteOutput(let file, let tensor, let written, let expected):
      "\(file): tensor '\(tensor)': \(written) bytes written, expected \(expected)"
    case .writeFailed(let file, .badAddress):
      "\(file): not written: its input was truncated while it was copied"
    case .writeFailed(let file, let reason):
      "\(file): cannot write: \(reason)"
    }
  }
}

/// The first of some names.
func list(_ names: [String]) -> String {
  let first = names.prefix(5).joined(separator: ", ")
  return names.count <= 5 ? first : "\(first) and \(names.count - 5) more"
}
