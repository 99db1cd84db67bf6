internal import Concurrency
public import Files
public import SystemPackage

/// The search for files of a folder with the same content: those with weights, parts and files of
/// pipelines among them. Only files of equal size are read.
public struct DuplicateSearch: Sendable {
  /// Files with the same content.
  public struct Group: Sendable, Equatable {
    /// Bytes of each.
    public let byteCount: Int
    /// The SHA-256 digest of the content, 64 hexadecimal digits; nil where there is one file alone, which
    /// has several names.
    public let digest: String?
    /// The copies, each under all its names, as paths from the folder, in the order of their bytes.
    /// Further names of a file are links, which take no room.
    public let copies: [[FilePath]]

    /// Bytes that all copies but one take.
    public var needlessByteCount: Int { byteCount * (copies.count - 1) }
  }

  private let folder: FilePath
  /// Files of equal size, with no digest yet.
  private let candidates: [Group]

  /// A search in a folder. Asks for sizes; reads nothing.
  public init(in listing: FolderListing) {
    folder = listing.folder
    var bySize: [Int: [FilePath]] = [:]
    for file in listing.weightFiles {
      guard let size = folder.pushing(file).byteCount else { continue }
      bySize[size, default: []].append(file)
    }
    candidates = bySize.filter { $0.value.count > 1 }.map { [folder] size, files in
      Group(byteCount: size, digest: nil, copies: Self.byIdentity(files, in: folder))
    }.sorted { $0.byteCount < $1.byteCount }
  }

  /// Bytes that ``find(progress:)`` reads.
  public var byteCount: Int {
    candidates.lazy.filter { $0.copies.count > 1 }
      .reduce(0) { $0 + $1.byteCount * $1.copies.count }
  }

  /// Reads the files of equal size.
  ///
  /// - Parameter progress: is told the bytes as they are read.
  /// - Returns: the groups, in the order of the first file of each; and what kept files from being read,
  ///   which are in no group.
  public func find(
    progress: ReadingProgress? = nil
  ) -> (groups: [Group], failures: [FileError]) {
    let files = candidates.filter { $0.copies.count > 1 }.flatMap { $0.copies.map { $0[0] } }
    let results = Parallel.map(files.count, work: .max) { index in
      digest(of: folder.pushing(files[index]), progress)
    }
    let digests = Dictionary(uniqueKeysWithValues: zip(files, results))
    var groups: [Group] = []
    var failures: [FileError] = []
    for candidate in candidates {
      guard candidate.copies.count > 1 else {
        groups.append(candidate)
        continue
      }
      var equal: [String: [[FilePath]]] = [:]
      for copy in candidate.copies {
        switch digests[copy[0]] {
        case .success(let digest)?: equal[digest, default: []].append(copy)
        case .failure(let error)?: failures.append(error)
        case nil: break
        }
      }
      for (digest, copies) in equal where copies.count > 1 || copies[0].count > 1 {
        groups.append(
          Group(
            byteCount: candidate.byteCount, digest: copies.count > 1 ? digest : nil,
            copies: copies))
      }
    }
    groups.sort { $0.copies[0][0].precedes($1.copies[0][0]) }
    return (groups, failures)
  }

  private func digest(
    of file: FilePath, _ progress: ReadingProgress?
  ) -> Result<String, FileError> {
    do throws(Errno) {
      let digest = try SHA256.hexadecimal(of: file)
      progress?.add(file.byteCount ?? 0)
      return .success(digest)
    } catch { return .failure(.readFailed(file: file, reason: error)) }
  }

  /// Paths of one file put together, in the order of the first of each.
  private static func byIdentity(_ files: [FilePath], in folder: FilePath) -> [[FilePath]] {
    var places: [FileIdentity: Int] = [:]
    var copies: [[FilePath]] = []
    for file in files {
      guard let identity = FileIdentity(of: folder.pushing(file)) else { continue }
      if let place = places[identity] {
        copies[place].append(file)
      } else {
        places[identity] = copies.count
        copies.append([file])
      }
    }
    return copies
  }
}

extension FilePath {
  fileprivate func precedes(_ other: FilePath) -> Bool {
    string.utf8.lexicographicallyPrecedes(other.string.utf8)
  }
}
