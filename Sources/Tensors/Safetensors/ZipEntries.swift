internal import Files

/// The names of a zip archive's entries: enough to tell PyTorch's archives from others.
///
/// Source: PKWARE APPNOTE 4.3.7, 4.3.12 and 4.3.16; pytorch/pytorch, `caffe2/serialize/inline_container.h`
/// (every archive has a record `data.pkl` in its one folder).
enum ZipEntries {
  /// What of the directory at the end is read at most.
  private static let directoryLimit = 1 << 20

  /// Whether an archive has an entry `data.pkl` in a folder.
  static func hasPickle(_ file: borrowing InputFile) throws -> Bool {
    let head = try file.read(0..<min(512, file.byteCount))
    // PyTorch writes it first; large archives have their directory in another form.
    if let name = name(in: head, at: 0, lengthAt: 26, nameAt: 30), isPickle(name) { return true }
    let tail = try file.read(max(0, file.byteCount - 65_557)..<file.byteCount)
    guard let end = tail.indices.reversed().first(where: { tail[$0...].starts(with: endMark) }),
      let size = number(in: tail, at: end + 12), let start = number(in: tail, at: end + 16),
      start <= file.byteCount
    else { return false }
    let directory = try file.read(
      start..<min(start + min(size, directoryLimit), file.byteCount))
    var position = 0
    while directory[position...].starts(with: entryMark) {
      guard let name = name(in: directory, at: position, lengthAt: 28, nameAt: 46),
        let extra = short(in: directory, at: position + 30),
        let comment = short(in: directory, at: position + 32)
      else { return false }
      if isPickle(name) { return true }
      position += 46 + name.count + extra + comment
      guard position < directory.count else { return false }
    }
    return false
  }

  private static let endMark: [UInt8] = [0x50, 0x4B, 5, 6]
  private static let entryMark: [UInt8] = [0x50, 0x4B, 1, 2]

  private static func isPickle(_ name: ArraySlice<UInt8>) -> Bool {
    let ending = "/data.pkl".utf8
    return name.count > ending.count && name.suffix(ending.count).elementsEqual(ending)
  }

  private static func name(
    in bytes: [UInt8], at start: Int, lengthAt: Int, nameAt: Int
  ) -> ArraySlice<UInt8>? {
    guard let length = short(in: bytes, at: start + lengthAt),
      start + nameAt + length <= bytes.count
    else { return nil }
    return bytes[start + nameAt..<start + nameAt + length]
  }

  private static func short(in bytes: [UInt8], at position: Int) -> Int? {
    guard position + 2 <= bytes.count else { return nil }
    return Int(bytes[position]) | Int(bytes[position + 1]) << 8
  }

  private static func number(in bytes: [UInt8], at position: Int) -> Int? {
    guard let low = short(in: bytes, at: position), let high = short(in: bytes, at: position + 2)
    else { return nil }
    return low | high << 16
  }
}
