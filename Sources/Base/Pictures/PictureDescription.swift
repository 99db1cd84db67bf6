public import SystemPackage

/// What there is to say about a picture file that decodes without an error.
public struct PictureDescription: Sendable, Equatable {
  /// PNG, JPEG or WebP.
  public let format: PictureFormat
  /// Pixels in a row, as stored.
  public let width: Int
  /// Rows, as stored.
  public let height: Int
  /// How samples are stored.
  public let color: PictureFile.Color
  /// Stored samples a pixel: 1 for a palette's indices.
  public let channels: Int
  /// Bits of a stored sample.
  public let bitDepth: Int
  /// How the stored rows are turned to stand upright.
  public let orientation: PictureOrientation
  /// A PNG's uncompressed texts, such as the settings that drew it. Not to be trusted: escape them
  /// before they reach a terminal.
  public let texts: [PictureText]
  /// Texts that were compressed, malformed or too long, and so left unread.
  public let skippedTextCount: Int
}

extension PictureFile {
  /// Decodes a file fully, without keeping its pixels, and says what it is.
  public static func describe(_ path: FilePath) throws(PictureError) -> PictureDescription {
    let file = try PictureFile(opening: path)
    try file.verify()
    return PictureDescription(
      format: file.format, width: file.width, height: file.height, color: file.color,
      channels: file.channels, bitDepth: file.bitDepth, orientation: file.orientation,
      texts: file.texts, skippedTextCount: file.skippedTextCount)
  }
}
