/// What is wrong with the bytes of a GGUF file.
public enum GGUFFault: Error, Equatable {
  /// The file begins with other bytes.
  case wrongMagic(found: [UInt8])
  /// A version that isn't read; `isBigEndian` when its bytes make sense the other way round.
  case unsupportedVersion(UInt32, isBigEndian: Bool)
  /// The file ends inside the header.
  case headerTruncated(place: String, byteCount: Int)
  /// The header is longer than the reader allows.
  case headerTooLarge(place: String, limit: Int)
  /// A count or length that doesn't fit the bytes that follow.
  case tooMany(place: String, what: String, declared: UInt64, available: Int)
  /// A key, or a tensor's name, that stands twice.
  case duplicate(place: String)
  /// Something else stands where this must.
  case unexpected(place: String, expected: String, found: String)
  /// The file ends before the last tensor does.
  case truncated(expected: Int, found: Int)
}

extension GGUFFault: CustomStringConvertible {
  /// What is wrong, without the file's name.
  public var description: String {
    switch self {
    case .wrongMagic(let found):
      "begins with \(GGUFFault.hexadecimal(found)), expected 'GGUF'; is this a GGUF file?"
    case .unsupportedVersion(_, isBigEndian: true):
      "a big-endian GGUF file, which is not read; expected little-endian, version 2 or 3"
    case .unsupportedVersion(let version, _):
      "GGUF version \(version), expected 2 or 3; convert it anew with current tools"
    case .headerTruncated(let place, let byteCount):
      "truncated: its \(byteCount) bytes end inside the header, in \(place); "
        + "is the download complete?"
    case .headerTooLarge(let place, let limit):
      "header over \(limit) bytes (in \(place)), expected less; is this an image model?"
    case .tooMany(let place, let what, let declared, let available):
      "\(place): \(declared) \(what), but only \(available) bytes follow"
    case .duplicate(let place):
      "\(place) given twice"
    case .unexpected(let place, let expected, let found):
      "\(place): \(found), expected \(expected)"
    case .truncated(let expected, let found):
      "truncated: \(found) of \(expected) bytes are there; download or copy it again"
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = bytes.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    return digits.joined(separator: " ")
  }
}
