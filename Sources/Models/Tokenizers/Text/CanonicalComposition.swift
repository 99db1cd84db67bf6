// The standard library composes and decomposes for its own comparison of strings, and lends that
// to the other libraries of the toolchain under this name; there is no public one.
@_spi(_Unicode) internal import Swift

/// Normalization form C: letters and their marks composed into single scalars where Unicode has
/// one, in canonical order.
///
/// The tables are those of Unicode 9, which the reference composes by: scalars that are newer stay
/// where they are. (The form of the others is the same in all later versions.)
///
/// Source: huggingface/tokenizers, `normalizers/unicode.rs`, `NFC`; Unicode Standard Annex 15.
func canonicallyComposed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
  // Everything below U+0300 is composed already.
  guard scalars.contains(where: { $0.value >= 0x300 }) else { return scalars }
  var result: [Unicode.Scalar] = []
  result.reserveCapacity(scalars.count)
  var known = String.UnicodeScalarView()
  for scalar in scalars {
    if let age = scalar.properties.age, age.major > 9 {
      result += String(known)._nfc
      result.append(scalar)
      known = String.UnicodeScalarView()
    } else if let vowels = tibetanVowels[scalar] {
      known.append(contentsOf: vowels)
    } else {
      known.append(scalar)
    }
  }
  return result + String(known)._nfc
}

/// The scalars whose combining class is 0 though they decompose into marks. No composition makes
/// them; taken apart first, their marks are ordered among others, which the standard library omits.
private let tibetanVowels: [Unicode.Scalar: [Unicode.Scalar]] = [
  "\u{F73}": ["\u{F71}", "\u{F72}"],
  "\u{F75}": ["\u{F71}", "\u{F74}"],
  "\u{F81}": ["\u{F71}", "\u{F80}"],
]
