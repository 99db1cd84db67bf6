internal import Files
internal import SystemPackage
internal import Text

/// Files that were split into parts, `NAME-00001-of-00003.gguf` and so on, the first of which has the
/// metadata.
///
/// Source: ggml-org/llama.cpp, `src/llama.cpp`, `llama_split_path`, and
/// `tools/gguf-split/gguf-split.cpp` (`split.no` from 0, `split.count`, `split.tensors.count`).
extension GGUFFile {
  private static let numberKey = "split.no"
  private static let countKey = "split.count"
  private static let tensorCountKey = "split.tensors.count"

  /// Whether a key only says how a file was split.
  static func isSplitKey(_ key: String) -> Bool {
    [numberKey, countKey, tensorCountKey].contains { $0.sameBytes(as: key) }
  }

  /// Which part of how many this is, from 1; nil for a whole file.
  public var part: (number: Int, count: Int)? {
    guard let count = value(of: Self.countKey)?.integer, count > 1 else { return nil }
    return ((value(of: Self.numberKey)?.integer ?? 0) + 1, count)
  }

  /// All parts of the file that this is one of, in order; the file alone when it is whole.
  ///
  /// - Throws: ``GGUFError/partOfCheckpoint(file:number:count:missing:)`` when one isn't there,
  ///   ``GGUFError/wrongPart(file:expected:found:)`` when one is of another split.
  func withOtherParts() throws -> [GGUFFile] {
    guard let (number, count) = part else { return [self] }
    guard 1...count ~= number, count <= 99_999, let base = baseName(number: number, count: count)
    else {
      throw GGUFError.wrongPart(
        file: path, expected: "a name that ends in '\(Self.ending(number, of: count))'",
        found: "part \(number) of \(count) of a split GGUF")
    }
    let folder = path.removingLastComponent()
    var parts: [GGUFFile] = []
    var missing: [String] = []
    for other in 1...count {
      let name = base + Self.ending(other, of: count)
      do {
        parts.append(other == number ? self : try GGUFFile(opening: folder.appending(name)))
      } catch FileError.cannotOpen(_, .noSuchFileOrDirectory) {
        missing.append(name)
        if missing.count == 5 { break }
      }
    }
    guard missing.isEmpty else {
      throw GGUFError.partOfCheckpoint(file: path, number: number, count: count, missing: missing)
    }
    for (position, other) in parts.enumerated() {
      guard let (found, total) = other.part, found == position + 1, total == count else {
        let found = other.part.map { "part \($0.number) of \($0.count)" } ?? "a whole file"
        throw GGUFError.wrongPart(
          file: other.path, expected: "part \(position + 1) of \(count)", found: found)
      }
    }
    let tensorCount = parts.reduce(0) { $0 + $1.tensors.count }
    if let expected = value(of: Self.tensorCountKey)?.integer, expected != tensorCount {
      throw GGUFError.wrongPart(
        file: path, expected: "\(expected), as '\(Self.tensorCountKey)' says",
        found: "\(tensorCount) tensors in \(count) parts")
    }
    return parts
  }

  /// What the names of all parts begin with; nil for a name of another form.
  private func baseName(number: Int, count: Int) -> String? {
    let name = path.lastComponent?.string ?? ""
    let ending = Self.ending(number, of: count)
    return name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : nil
  }

  private static func ending(_ number: Int, of count: Int) -> String {
    func digits(_ number: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
    return "-\(digits(number))-of-\(digits(count)).gguf"
  }
}
