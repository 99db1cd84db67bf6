/// SentencePiece's compiled normalisation, such as `nmt_nfkc`: what some sequences of bytes are
/// replaced with.
///
/// The map is a double-array trie over UTF-8 bytes, whose values are offsets in a blob of
/// NUL-terminated replacements. Every index is checked: a broken map leaves text as it is.
///
/// Source: google/sentencepiece, `normalizer.cc`, `DecodePrecompiledCharsMap` (the parts), and
/// s-yata/darts-clone, `darts.h`, `DoubleArrayUnit` (the bits of a unit).
struct PrecompiledCharacterMap: Sendable {
  /// Trie units: label in bits 0–7, has-leaf in bit 8, offset above; or, in a leaf, the value.
  private let units: [UInt32]
  /// The replacements, each ended by a NUL.
  private let replacements: [UInt8]

  /// The map that replaces nothing.
  static let identity = PrecompiledCharacterMap()

  private init() {
    units = []
    replacements = []
  }

  /// Reads a map: the trie's size in bytes as a little-endian 32-bit number, the trie, the
  /// replacements. No bytes at all are the map that replaces nothing. Nil when the parts don't fit.
  init?(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else {
      self = .identity
      return
    }
    guard bytes.count >= 4 else { return nil }
    func word(at offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
    let trieByteCount = Int(word(at: 0))
    guard trieByteCount.isMultiple(of: 4), trieByteCount > 0, trieByteCount <= bytes.count - 4
    else { return nil }
    units = stride(from: 4, to: 4 + trieByteCount, by: 4).map(word)
    replacements = Array(bytes[(4 + trieByteCount)...])
    guard String(validating: replacements, as: UTF8.self) != nil else { return nil }
  }

  /// The text normalised.
  ///
  /// A user-perceived character of up to five bytes is looked up as a whole and, if the map has any
  /// prefix of it, replaced as a whole by what the shortest one becomes; scalars of others are
  /// looked up one by one. This is how the tokenizers library reads these maps, and the ids that
  /// text encoders are fed come from it; SentencePiece itself replaces the longest prefix.
  ///
  /// Source: huggingface/tokenizers, `normalizers/precompiled.rs`, `normalize`.
  func normalize(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard !units.isEmpty else { return scalars }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    for character in String(text) {
      if character.utf8.count < 6, let replacement = replacement(for: character.utf8) {
        result += replacement
        continue
      }
      for scalar in character.unicodeScalars {
        if let replacement = replacement(for: UTF8.encode(scalar)!) {
          result += replacement
        } else {
          result.append(scalar)
        }
      }
    }
    return result
  }

  /// What the shortest prefix that the map has becomes; nil when it has none.
  private func replacement(for bytes: some Sequence<UInt8>) -> [Unicode.Scalar]? {
    var node = offset(of: units[0])
    for byte in bytes {
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count else { return nil }
      let unit = units[node]
      // A leaf has its top bit set, so that it equals no label.
      guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
      node ^= offset(of: unit)
      if unit & 0x100 != 0 {
        guard node < units.count else { return nil }
        return text(at: Int(units[node] & 0x7FFF_FFFF))
      }
    }
    return nil
  }

  private func offset(of unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }

  private func text(at start: Int) -> [Unicode.Scalar]? {
    guard start < replacements.count else { return nil }
    let bytes = replacements[start...].prefix { $0 != 0 }
    return Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)
  }
}
