internal import Elements
internal import Files
internal import Safetensors
internal import Synchronization
public import SystemPackage
public import Tensors

/// Results that depend on nothing but what their key lists, kept in a folder for later runs.
///
/// An entry is a safetensors file named by its key's digest, with the key and a digest of its bytes in the
/// metadata; both are checked when it is read. It appears whole or not at all, so that processes may share a
/// folder. What can't be read or written is told once, and costs nothing but the computation.
public final class ContentCache: Sendable {
  /// Bytes that entries may take where nobody says otherwise.
  public static let defaultByteLimit = 10_000_000_000

  /// Where entries are; it is made with the first of them.
  public let folder: FilePath
  private let byteLimit: Int
  private let notice: @Sendable (String) -> Void
  /// What was told already.
  private let told = Mutex<Set<String>>([])
  /// Bytes that may still be kept before all entries are looked at again: to list thousands of them after every
  /// small one takes longer than what is kept.
  private let allowance = Mutex<Int>(0)
  /// Seconds for which a file must not have changed for its digest to be remembered.
  let settlingSeconds: Int
  /// Bytes from which on digests of files are remembered: smaller ones are hashed faster than looked up.
  let largeByteCount: Int

  /// In entries' metadata: their version, key and the digest of their tensors' bytes.
  private enum Label {
    static let version = "glance.cache"
    static let key = "key"
    static let digest = "sha256"
  }
  private static let version = "1"

  /// A cache in a folder, which need not be there.
  ///
  /// - Parameters:
  ///   - folder: where entries are.
  ///   - byteLimit: the most bytes that they may take; those which were not used for longest go first.
  ///   - notice: called with what a person should know: an entry that is damaged, a folder that takes none.
  public convenience init(
    folder: FilePath, byteLimit: Int = defaultByteLimit,
    notice: @escaping @Sendable (String) -> Void
  ) {
    self.init(
      folder: folder, byteLimit: byteLimit, settlingSeconds: 3, largeByteCount: 16 << 20,
      notice: notice)
  }

  /// The same with other limits of what is remembered of files.
  package init(
    folder: FilePath, byteLimit: Int = defaultByteLimit, settlingSeconds: Int,
    largeByteCount: Int, notice: @escaping @Sendable (String) -> Void
  ) {
    self.folder = folder
    self.byteLimit = byteLimit
    self.settlingSeconds = settlingSeconds
    self.largeByteCount = largeByteCount
    self.notice = notice
  }

  /// Whether there is a whole entry of a key. It is not counted as used.
  public func holds(_ key: CacheKey) -> Bool { read(key) != nil }

  /// The tensors of a key's entry; nil where there is none, or none that is whole.
  public func find(_ key: CacheKey) -> [TensorView]? {
    guard let tensors = read(key) else { return nil }
    touch(file(key))
    return tensors
  }

  /// Keeps tensors under a key, and makes room for them. One of the same key is replaced.
  public func store(_ tensors: [TensorView], under key: CacheKey) {
    let byteCount: Int
    do {
      try makeFolder(folder)
      try tag()
      let writer = try SafetensorsWriter(
        creating: file(key), tensors: tensors.map(\.description),
        metadata: [
          (Label.version, Self.version), (Label.key, key.description),
          (Label.digest, Self.digest(of: tensors)),
        ], overwrite: true)
      byteCount = writer.byteCount
      guard byteCount <= byteLimit else { return writer.discard() }
      for (index, tensor) in tensors.enumerated() {
        try writer.write(tensor.bytes, tensor: index)
      }
      try writer.commit()
    } catch {
      return tell("results are not kept for other runs: \(error)", once: "store")
    }
    makeRoom(for: byteCount, keeping: file(key))
  }

  private func makeRoom(for byteCount: Int, keeping kept: FilePath) {
    let isEnough = allowance.withLock { rest in
      rest -= byteCount
      return rest >= 0
    }
    guard !isEnough else { return }
    let total = CacheEntries(in: folder).trim(to: byteLimit, keeping: kept)
    // Other processes keep entries too: not all that is free is this one's.
    allowance.withLock { $0 = min(byteLimit - total, byteLimit / 16) }
  }

  private func file(_ key: CacheKey) -> FilePath {
    folder.appending(key.digest + CacheEntries.suffix)
  }

  private func read(_ key: CacheKey) -> [TensorView]? {
    let file = file(key)
    guard file.isTaken else { return nil }
    do {
      let source = try SafetensorsFile(opening: file)
      guard source.metadata[Label.version] == Self.version,
        source.metadata[Label.key] == key.description
      else {
        tell("\(file): not what its name says; it is not used, and made anew", once: key.digest)
        return nil
      }
      if source.metadata[Label.digest] == Self.digest(of: source.tensors) { return source.tensors }
    } catch FileError.cannotOpen(_, .noSuchFileOrDirectory) {
      // Another process made room.
      return nil
    } catch {}
    tell("\(file): damaged; it is not used, and made anew", once: key.digest)
    return nil
  }

  private func tell(_ text: String, once subject: String) {
    if told.withLock({ $0.insert(subject).inserted }) { notice(text) }
  }

  private static func digest(of tensors: [TensorView]) -> String {
    var digest = SHA256()
    for tensor in tensors {
      unsafe digest.update(
        Array("\(tensor.name)\n\(tensor.dtype.rawValue)\(tensor.shape)\n".utf8).span.bytes)
      digest.update(tensor.bytes)
    }
    return digest.hexadecimal()
  }

  /// Tells programs that make backups what the folder is.
  ///
  /// Source: Bryan Ford, "Cache Directory Tagging Specification" (bford.info/cachedir).
  private func tag() throws(FileError) {
    let file = folder.appending("CACHEDIR.TAG")
    guard !file.isTaken else { return }
    let text =
      "Signature: 8a477f597d28d172789f06886806bc55\n# Results that glance can compute again.\n"
    do throws(FileError) {
      try writeAtomically(unsafe Array(text.utf8).span.bytes, to: file, overwrite: false)
    } catch {
      if case .destinationExists = error { return }
      throw error
    }
  }
}
