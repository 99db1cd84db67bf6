/// The bytes that a base64 text stands for (RFC 4648, with padding); nil when it isn't one.
func bytes(base64 text: String) -> [UInt8]? {
  guard text.utf8.count.isMultiple(of: 4) else { return nil }
  var result: [UInt8] = []
  result.reserveCapacity(text.utf8.count / 4 * 3)
  var group: UInt32 = 0
  var digitCount = 0
  var paddingCount = 0
  for letter in text.utf8 {
    if letter == UInt8(ascii: "="), digitCount >= 2 || paddingCount > 0 {
      paddingCount += 1
      group <<= 6
    } else if paddingCount == 0, let digit = base64Digit(letter) {
      group = group << 6 | digit
    } else {
      return nil
    }
    digitCount += 1
    guard digitCount == 4 else { continue }
    let groupBytes = [UInt8(group >> 16 & 0xFF), UInt8(group >> 8 & 0xFF), UInt8(group & 0xFF)]
    result += groupBytes.prefix(3 - min(paddingCount, 3))
    (group, digitCount) = (0, 0)
  }
  return paddingCount <= 2 ? result : nil
}

private func base64Digit(_ letter: UInt8) -> UInt32? {
  switch letter {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter - UInt8(ascii: "A"))
  case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter - UInt8(ascii: "a")) + 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter - UInt8(ascii: "0")) + 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
