internal import Text

/// A module path of a format file, with `{n}` where a block number stands:
/// `transformer_blocks.{n}.attn.to_q`.
public struct PathTemplate: Sendable, Hashable {
  /// As it is written.
  public let text: String
  /// What stands before the number, or the whole path when there is none.
  public let head: String
  /// What stands after the number; nil when the path has none.
  public let tail: String?

  package init(_ text: String) {
    self.text = text
    let parts = text.split(separator: "{n}", omittingEmptySubsequences: false)
    precondition(parts.count <= 2, "'\(text)': one block number at most")
    head = String(parts[0])
    tail = parts.count == 2 ? String(parts[1]) : nil
  }

  /// Whether the path lies in a numbered block.
  public var isInBlock: Bool { tail != nil }

  /// The path in block `number`; the path itself when it lies in none.
  public func path(block number: Int) -> String {
    guard let tail else { return head }
    return head + String(number) + tail
  }

  /// The block number for which this template gives `path`; 0 for a path without one; nil when it
  /// gives another path. Numbers with a sign or leading zeros are not numbers.
  public func block(of path: some StringProtocol) -> Int? {
    guard path.utf8HasPrefix(head) else { return nil }
    let rest = path.utf8.dropFirst(head.utf8.count)
    guard let tail else { return rest.isEmpty ? 0 : nil }
    guard let (number, digitCount) = blockNumber(at: rest) else { return nil }
    return rest.dropFirst(digitCount).elementsEqual(tail.utf8) ? number : nil
  }
}

/// The plain decimal number that text begins with, and how many digits it has; nil for none, a
/// leading zero, or more than six digits.
func blockNumber(at text: some Sequence<UInt8>) -> (number: Int, digitCount: Int)? {
  var number = 0
  var digitCount = 0
  var hasLeadingZero = false
  for byte in text {
    guard byte >= 0x30, byte <= 0x39 else { break }
    if digitCount == 1 && number == 0 { hasLeadingZero = true }
    digitCount += 1
    guard digitCount <= 6 else { return nil }
    number = number * 10 + Int(byte - 0x30)
  }
  return digitCount == 0 || hasLeadingZero ? nil : (number, digitCount)
}
