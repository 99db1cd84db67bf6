internal import Elements
public import Files
public import JSON
public import SystemPackage
internal import Tensors

/// The contents of some files, by their digest.
public struct FileContents: Sendable {
  /// SHA-256 of all bytes, file after file, as 64 hexadecimal digits.
  public let digest: String
  private let snapshot: FileSnapshot

  init(_ snapshot: FileSnapshot, digest: String) {
    self.snapshot = snapshot
    self.digest = digest
  }

  /// Whether the files are as they were when this was asked for: what was computed from them meanwhile is then
  /// these contents' result.
  public var areUnchanged: Bool { snapshot.isUnchanged }

  /// The contents for a key: their digest, and where one file ends and the next begins.
  public var json: JSONValue {
    [
      "sha256": .string(digest),
      "bytes": .array(snapshot.stamps.map { .integer(Int64($0.byteCount)) }),
    ]
  }
}

extension ContentCache {
  /// The contents of files, hashed where they are not known; large ones are known from then on, for as long as
  /// nobody changes them.
  ///
  /// - Parameter snapshot: the files, from before anything was computed from them.
  /// - Returns: their contents; nil where they have changed since, or can't be read.
  public func contents(of snapshot: FileSnapshot?) -> FileContents? {
    guard let snapshot else { return nil }
    if let known = knownContents(of: snapshot) { return known }
    // After a change in the last seconds one more, while a file is read, may not show in the times.
    let isSettled = snapshot.stamps.allSatisfy { $0.isSettled(for: settlingSeconds) }
    guard let contents = hash(snapshot), contents.areUnchanged else { return nil }
    if isSettled {
      store(
        [
          unsafe TensorView(
            name: "sha256", dtype: .u8, shape: [64], copying: Array(contents.digest.utf8).span.bytes
          )
        ], under: key(snapshot))
    }
    return contents
  }

  /// The contents of files where they are known, or small enough to be hashed at once; nil where finding out
  /// takes long.
  public func knownContents(of snapshot: FileSnapshot?) -> FileContents? {
    guard let snapshot, snapshot.isUnchanged else { return nil }
    guard snapshot.byteCount >= largeByteCount else { return hash(snapshot) }
    guard let found = find(key(snapshot))?.first, found.byteCount == 64 else { return nil }
    let digest = unsafe found.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    return FileContents(snapshot, digest: digest)
  }

  private func hash(_ snapshot: FileSnapshot) -> FileContents? {
    (try? sha256(of: snapshot.files)).map { FileContents(snapshot, digest: $0) }
  }

  private func key(_ snapshot: FileSnapshot) -> CacheKey {
    CacheKey("file-digest", ["files": .array(snapshot.stamps.map { .string("\($0)") })])
  }
}

/// The digest of all bytes of some files, one after the other, as 64 hexadecimal digits.
public func sha256(of files: [FilePath]) throws(Errno) -> String {
  var digest = SHA256()
  for file in files { try digest.update(contentsOf: file) }
  return digest.hexadecimal()
}
