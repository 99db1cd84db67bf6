/// The letters that stand for bytes in byte-level vocabularies.
///
/// Printable ASCII and Latin-1 bytes stand for themselves; the other 68 follow each other from
/// U+0100 on.
///
/// Source: openai/gpt-2, `src/encoder.py`, `bytes_to_unicode`.
enum ByteAlphabet {
  /// The letter of every byte.
  static let letters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next)!
      }
    }
  }()

  /// Whether a byte can be part of UTF-8 text.
  static func occursInText(_ byte: UInt8) -> Bool { byte < 0xC0 || (0xC2...0xF4).contains(byte) }
}
