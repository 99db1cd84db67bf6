/// A text that a PNG carries, such as the settings of the program that drew it.
public struct PictureText: Sendable, Equatable {
  /// 1 to 79 Latin-1 characters.
  public let key: String
  /// The text itself.
  public let text: String

  /// Pairs a key with its text.
  public init(key: String, text: String) {
    self.key = key
    self.text = text
  }
}

/// Reading texts out of `tEXt` and `iTXt` chunks.
///
/// Source: Portable Network Graphics (W3C, third edition), 11.3.3 Textual information.
extension PNGChunks {
  /// Longer texts are left unread; Pillow refuses files that hold one.
  ///
  /// Source: Pillow, `src/PIL/PngImagePlugin.py`, `MAX_TEXT_CHUNK`.
  private static let textByteLimit = 1 << 20
  private static let allTextsByteLimit = 16 << 20
  private static let textLimit = 1000

  var texts: (read: [PictureText], skippedCount: Int) {
    var read: [PictureText] = []
    var skippedCount = 0
    var byteCount = 0
    for (type, payload) in self {
      let isPlain = type.elementsEqual("tEXt".utf8)
      let isInternational = type.elementsEqual("iTXt".utf8)
      guard isPlain || isInternational || type.elementsEqual("zTXt".utf8) else { continue }
      guard isPlain || isInternational, payload.count <= PNGChunks.textByteLimit,
        byteCount + payload.count <= PNGChunks.allTextsByteLimit,
        read.count < PNGChunks.textLimit,
        let text = isPlain ? PictureText(plain: payload) : PictureText(international: payload)
      else {
        skippedCount += 1
        continue
      }
      byteCount += payload.count
      read.append(text)
    }
    return (read, skippedCount)
  }
}

extension PictureText {
  /// `key, 0, text`, both Latin-1.
  fileprivate init?(plain payload: ArraySlice<UInt8>) {
    guard let (key, text) = payload.cutAtZero(), !key.isEmpty else { return nil }
    self.init(key: String(latin1: key), text: String(latin1: text))
  }

  /// `key, 0, is compressed, method, language, 0, translated key, 0, text`; the text is UTF-8.
  fileprivate init?(international payload: ArraySlice<UInt8>) {
    guard let (key, rest) = payload.cutAtZero(), !key.isEmpty, rest.count >= 2, rest.first == 0,
      let (_, afterLanguage) = rest.dropFirst(2).cutAtZero(),
      let (_, text) = afterLanguage.cutAtZero(),
      let valid = String(validating: text, as: UTF8.self)
    else { return nil }
    self.init(key: String(latin1: key), text: valid)
  }
}

extension ArraySlice<UInt8> {
  /// What is before and after the first zero.
  fileprivate func cutAtZero() -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>)? {
    guard let zero = firstIndex(of: 0) else { return nil }
    return (self[startIndex..<zero], self[(zero + 1)...])
  }
}

extension String {
  /// Every Latin-1 byte is the Unicode scalar of its value.
  fileprivate init(latin1 bytes: ArraySlice<UInt8>) {
    self.init(String.UnicodeScalarView(bytes.lazy.map { Unicode.Scalar($0) }))
  }
}
