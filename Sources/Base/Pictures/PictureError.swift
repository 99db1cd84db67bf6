public import Failures
public import SystemPackage

/// Why a picture could not be read or written.
public enum PictureError: Error, Equatable {
  /// The file can't be opened.
  case cannotOpen(file: FilePath, reason: Errno)
  /// Reading the file failed.
  case cannotRead(file: FilePath, reason: Errno)
  /// The path names a folder, a pipe or a device.
  case notARegularFile(file: FilePath)
  /// The file is larger than any picture within the pixel limit needs.
  case fileTooLarge(file: FilePath, byteCount: Int, limit: Int)
  /// The file is no picture that is read; `found` names what it begins like.
  case unsupportedFormat(file: FilePath, found: String)
  /// A picture of a kind that isn't read.
  case unsupportedColor(file: FilePath, found: String)
  /// The header declares more pixels than ``Picture/pixelLimit``.
  case tooManyPixels(file: FilePath, width: Int, height: Int, limit: Int)
  /// The file breaks its format, or ends early.
  case damaged(file: FilePath, format: PictureFormat, detail: String)
  /// A text that a PNG can't hold.
  case unwritableText(key: String, detail: String)
  /// A picture that can't be encoded.
  case cannotEncode(detail: String)
}

extension PictureError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .cannotOpen(let file, let reason):
      "\(file): cannot open: \(reason)"
    case .cannotRead(let file, let reason):
      "\(file): cannot read: \(reason)"
    case .notARegularFile(let file):
      "\(file): not a regular file, expected a PNG, JPEG or WebP file"
    case .fileTooLarge(let file, let byteCount, let limit):
      "\(file): \(byteCount) bytes, expected a picture of at most \(limit) bytes"
    case .unsupportedFormat(let file, let found):
      "\(file): \(found), expected a PNG, JPEG or WebP picture; convert it to one of these"
    case .unsupportedColor(let file, let found):
      "\(file): \(found), expected a gray, RGB or CMYK picture; convert it to one of these"
    case .tooManyPixels(let file, let width, let height, let limit):
      "\(file): \(width) x \(height) pixels, expected at most \(limit) in all; make it smaller"
    case .damaged(let file, let format, let detail):
      "\(file): damaged \(format.name): \(detail); get or export it again"
    case .unwritableText(let key, let detail):
      "text '\(key)' for a PNG: \(detail)"
    case .cannotEncode(let detail):
      "cannot encode a picture: \(detail)"
    }
  }
}

extension PictureError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .cannotOpen: .inputMissing
    case .cannotRead: .inputOutput
    case .notARegularFile, .fileTooLarge, .unsupportedFormat, .unsupportedColor, .tooManyPixels,
      .damaged, .unwritableText:
      .wrongData
    case .cannotEncode: .unavailable
    }
  }
}
