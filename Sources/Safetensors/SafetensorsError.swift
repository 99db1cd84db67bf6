public import SystemPackage

/// Why a safetensors file could not be read or written.
public enum SafetensorsError: Error, Equatable {
  /// The file can't be opened or mapped.
  case cannotOpen(file: FilePath, reason: Errno)
  /// There is something, but not a regular file.
  case notARegularFile(file: FilePath, kind: FileKind)
  /// There are fewer than the eight bytes of the header's length.
  case tooShort(file: FilePath, byteCount: Int)
  /// The header's length goes past the end of the file.
  case headerTooLarge(file: FilePath, declared: UInt64, available: Int)
  /// The header is not what the format says.
  case malformedHeader(file: FilePath, detail: String)
  /// A tensor that the caller needs isn't there.
  case missingTensor(file: FilePath, tensor: String)
  /// The output, or its temporary, can't be created.
  case cannotCreate(file: FilePath, reason: Errno)
  /// The output exists and may not be replaced.
  case destinationExists(file: FilePath)
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
    /// A caller in this program asked for what makes no sense.
    case internalMistake
  }

  /// What went wrong in general.
  public var kind: Kind {
    switch self {
    case .cannotOpen(_, .ioError): .inputOutput
    case .cannotOpen: .inputMissing
    case .notARegularFile, .tooShort, .headerTooLarge, .malformedHeader, .missingTensor: .dataWrong
    case .cannotCreate(_, .noSpace), .cannotCreate(_, .ioError),
      .cannotCreate(_, .diskQuotaExceeded):
      .inputOutput
    case .cannotCreate, .destinationExists: .outputRefused
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
    case .tooShort(let file, let byteCount):
      "\(file): \(byteCount) bytes, expected at least 8 for the header length; "
        + "is the download complete?"
    case .headerTooLarge(let file, let declared, let available):
      "\(file): header length \(declared), expected at most \(available) "
        + "(the bytes that follow); is this a safetensors file?"
    case .malformedHeader(let file, let detail):
      "\(file): malformed header: \(detail)"
    case .missingTensor(let file, let tensor):
      "\(file): no tensor '\(tensor)'"
    case .cannotCreate(let file, let reason):
      "\(file): cannot create: \(reason)"
    case .destinationExists(let file):
      "\(file): exists already; choose another name or allow overwriting"
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
