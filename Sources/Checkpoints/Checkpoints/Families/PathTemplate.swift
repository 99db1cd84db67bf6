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
    (head, tail) = text.parts(around: "{n}")
  }

  /// Whether the path lies in a numbered block.
  public var isInBlock: Bool { tail != nil }

  /// Whether the path lies in a block of a kind.
  package func isInBlock(of kind: ModelFamily.BlockKind) -> Bool {
    head.utf8.count == kind.path.utf8.count + 1 && head.utf8HasPrefix(kind.path)
      && head.utf8.last == UInt8(ascii: ".")
  }

  /// The path in block `number`; the path itself when it lies in none.
  public func path(block number: Int) -> String {
    guard let tail else { return head }
    return head + String(number) + tail
  }

  /// The block number for which this template gives `path`; 0 for a path without one; nil when it
  /// gives another path. Numbers with a sign or leading zeros are not numbers.
  public func block(of path: String) -> Int? {
    // By spans: it is asked for every module of every adapter of a folder.
    let (path, head) = (path.utf8.span, head.utf8.span)
    guard path.count >= head.count, head.indices.allSatisfy({ path[$0] == head[$0] }) else {
      return nil
    }
    guard let tail else { return path.count == head.count ? 0 : nil }
    guard let (number, digitCount) = blockNumber(at: path.extracting(droppingFirst: head.count))
    else { return nil }
    let (end, tailBytes) = (head.count + digitCount, tail.utf8.span)
    let isWhole =
      path.count == end + tailBytes.count
      && tailBytes.indices.allSatisfy { path[end + $0] == tailBytes[$0] }
    return isWhole ? number : nil
  }
}

/// The plain decimal number that text begins with, and how many digits it has; nil for none, a
/// leading zero, or more than six digits.
func blockNumber(at text: Span<UInt8>) -> (number: Int, digitCount: Int)? {
  var number = 0
  var digitCount = 0
  var hasLeadingZero = false
  for index in text.indices {
    let byte = text[index]
    guard byte >= 0x30, byte <= 0x39 else { break }
    if digitCount == 1 && number == 0 { hasLeadingZero = true }
    digitCount += 1
    guard digitCount <= 6 else { return nil }
    number = number * 10 + Int(byte - 0x30)
  }
  return digitCount == 0 || hasLeadingZero ? nil : (number, digitCount)
}
