public import Failures
public import SystemPackage

/// Why a file or folder could not be read or written.
public enum FileError: Error, Equatable {
  /// The file can't be opened or mapped.
  case cannotOpen(file: FilePath, reason: Errno)
  /// There is something, but not a regular file.
  case notARegularFile(file: FilePath, kind: FileKind)
  /// The file can't be mapped into memory.
  case cannotMap(file: FilePath, byteCount: Int, reason: Errno)
  /// Reading failed.
  case readFailed(file: FilePath, reason: Errno)
  /// A file is larger than what it may be.
  case tooLarge(file: FilePath, limit: Int)
  /// A file's bytes make no sense, or fail their checksum, when something is made from them.
  case damagedContent(file: FilePath, detail: String)
  /// A file's bytes are made from those of another, which isn't there.
  case baseMissing(file: FilePath, base: String)
  /// The output, or its temporary, can't be created.
  case cannotCreate(file: FilePath, reason: Errno)
  /// The output's folder isn't there.
  case noFolder(file: FilePath, folder: FilePath)
  /// The output exists and may not be replaced.
  case destinationExists(file: FilePath)
  /// The output folder exists and may not be replaced as a whole.
  case cannotReplaceFolder(folder: FilePath, reason: String)
  /// Reserving space, writing, synchronising or renaming failed.
  case writeFailed(file: FilePath, reason: Errno)
  /// The disk gave back other bytes than were written.
  case differsOnDisk(file: FilePath, offset: Int)
}

extension FileError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .cannotOpen(_, .ioError), .readFailed, .writeFailed, .differsOnDisk: .inputOutput
    case .cannotOpen, .baseMissing: .inputMissing
    case .notARegularFile, .tooLarge, .damagedContent: .wrongData
    case .cannotMap: .unavailable
    case .cannotCreate(_, .noSpace), .cannotCreate(_, .ioError),
      .cannotCreate(_, .diskQuotaExceeded):
      .inputOutput
    case .cannotCreate, .noFolder, .destinationExists, .cannotReplaceFolder: .outputRefused
    }
  }
}

extension FileError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .cannotOpen(let file, let reason):
      "\(file): cannot open: \(reason)"
    case .notARegularFile(let file, let kind):
      "\(file): \(kind.rawValue), expected a regular file"
    case .cannotMap(let file, let byteCount, let reason):
      "\(file): cannot map \(byteCount) bytes into memory: \(reason); "
        + "is the address space limited (ulimit -v)?"
    case .readFailed(let file, let reason):
      "\(file): cannot read: \(reason)"
    case .tooLarge(let file, let limit):
      "\(file): over \(limit) bytes, too large for what it should be"
    case .damagedContent(let file, let detail):
      "\(file): \(detail); download or copy it again"
    case .baseMissing(let file, let base):
      "\(file): a delta from '\(base)', which is needed to restore it; say where it is (--base)"
    case .cannotCreate(let file, let reason):
      "\(file): cannot create: \(reason)"
    case .noFolder(let file, let folder):
      "\(file): cannot create: there is no folder '\(folder)'; make it first"
    case .destinationExists(let file):
      "\(file): exists already; choose another name or allow overwriting (--force)"
    case .cannotReplaceFolder(let folder, let reason):
      "\(folder): cannot be replaced: \(reason); choose another name or remove it yourself"
    case .writeFailed(let file, .badAddress):
      "\(file): not written: its input was truncated while it was copied"
    case .writeFailed(let file, let reason):
      "\(file): cannot write: \(reason)"
    case .differsOnDisk(let file, let offset):
      "\(file): not written: the disk gave back other bytes than were written, from byte \(offset) "
        + "on; check the disk and the memory"
    }
  }
}

extension FileError {
  /// What went wrong, without the file, for a caller that says itself what the file is for.
  public var reason: String {
    switch self {
    case .cannotOpen(_, let reason), .cannotMap(_, _, let reason), .readFailed(_, let reason),
      .cannotCreate(_, let reason), .writeFailed(_, let reason):
      "\(reason)"
    case .notARegularFile(_, let kind): "\(kind.rawValue), expected a regular file"
    case .tooLarge(_, let limit): "over \(limit) bytes"
    case .damagedContent(_, let detail): detail
    case .baseMissing(_, let base): "a delta from '\(base)', which isn't there"
    case .noFolder(_, let folder): "there is no folder '\(folder)'"
    case .destinationExists: "exists already"
    case .cannotReplaceFolder(_, let reason): reason
    case .differsOnDisk(_, let offset): "other bytes than were written from byte \(offset) on"
    }
  }
}
