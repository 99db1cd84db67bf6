internal import Files
internal import SystemPackage

/// The entries of a cache's folder as files: which there are, and which go when they take too much.
///
/// Several processes may make room at once: they find the same order, and removing a file twice does nothing.
struct CacheEntries {
  static let suffix = ".safetensors"
  private static let digestLength = 64
  /// Seconds after which what a killed run left half written goes.
  private static let leftoverSeconds = 86_400.0

  private let folder: FilePath
  private let names: [String]

  init(in folder: FilePath) {
    self.folder = folder
    names = folderNames(folder) ?? []
  }

  /// Removes entries, those that were used longest ago first, until the rest takes no more than a limit; and
  /// what killed runs left half written. Other files are none of its business.
  ///
  /// - Parameters:
  ///   - limit: in bytes.
  ///   - kept: an entry that stays.
  /// - Returns: the bytes of what is left.
  func trim(to limit: Int, keeping kept: FilePath) -> Int {
    let newest = kept.modificationTime ?? 0
    let files = names.filter(Self.isEntry).compactMap { name -> Entry? in
      let file = folder.appending(name)
      guard let used = file.modificationTime, let byteCount = file.byteCount else { return nil }
      return Entry(file: file, used: used, byteCount: byteCount)
    }
    var total = files.reduce(0) { $0 + $1.byteCount }
    for entry in files.sorted(by: Entry.goesBefore) where total > limit && entry.file != kept {
      removeEntry(entry.file)
      total -= entry.byteCount
    }
    for name in names where Self.isHalfWritten(name) {
      let file = folder.appending(name)
      if let time = file.modificationTime, time + Self.leftoverSeconds < newest {
        removeEntry(file)
      }
    }
    return total
  }

  private struct Entry {
    let file: FilePath
    let used: Double
    let byteCount: Int

    static func goesBefore(_ a: Entry, _ b: Entry) -> Bool {
      (a.used, a.file.string) < (b.used, b.file.string)
    }
  }

  private static func isEntry(_ name: String) -> Bool {
    name.utf8.count == digestLength + suffix.utf8.count && name.hasSuffix(suffix)
      && name.prefix(digestLength).allSatisfy(\.isHexDigit)
  }

  private static func isHalfWritten(_ name: String) -> Bool {
    guard name.hasPrefix("."), let end = name.firstRange(of: ".partial-") else { return false }
    return isEntry(String(name[..<end.lowerBound].dropFirst()))
  }
}
