public import SystemPackage

/// Why a safetensors file could not be read.
public enum SafetensorsError: Error, Equatable {
  /// The file can't be opened or mapped.
  case cannotOpen(file: FilePath, reason: Errno)
  /// There are fewer than the eight bytes of the header's length.
  case tooShort(file: FilePath, byteCount: Int)
  /// The header's length goes past the end of the file.
  case headerTooLarge(file: FilePath, declared: UInt64, available: Int)
  /// The header is not what the format says.
  case malformedHeader(file: FilePath, detail: String)
  /// A tensor that the caller needs isn't there.
  case missingTensor(file: FilePath, tensor: String)
}

extension SafetensorsError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .cannotOpen(let file, let reason):
      "\(file): cannot open: \(reason)"
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
    }
  }
}
