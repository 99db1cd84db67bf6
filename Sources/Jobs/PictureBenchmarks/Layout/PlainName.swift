/// Names that become parts of paths, and that scorers look for with patterns and split at spaces.
enum PlainName {
  static let rule = "letters, digits and . _ + - (not first .)"

  /// Whether a name has nothing that a path, a pattern or a table would take for something else.
  static func holds(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 100 && name.utf8.first != UInt8(ascii: ".")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: ".-_+".utf8.contains(byte)
        }
      }
  }
}
