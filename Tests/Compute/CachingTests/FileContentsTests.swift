import Caching
import Files
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Digests of files that are remembered")
struct FileContentsTests {
  private let folder: TemporaryFolder
  private let notices = Notices()
  private let a: FilePath
  private let b: FilePath

  // FIPS 180-2, appendix B.1; `printf abcd | sha256sum`; `printf xyz | sha256sum`.
  private static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  private static let abcd = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
  private static let xyz = "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282"

  init() throws {
    folder = try TemporaryFolder()
    a = try folder.write(Array("ab".utf8), to: "a")
    b = try folder.write(Array("c".utf8), to: "b")
  }

  private func cache(settlingSeconds: Int = 0) -> ContentCache {
    notices.cache(in: folder.path.appending("c"), settlingSeconds: settlingSeconds)
  }

  private var entryCount: Int {
    TemporaryFolder.names(in: folder.path.appending("c")).count { $0.hasSuffix(".safetensors") }
  }

  @Test("are those of all bytes in order, found again without reading")
  func remembered() throws {
    let files = FileSnapshot(of: [a, b])
    #expect(cache().knownContents(of: files) == nil)
    let contents = try #require(cache().contents(of: files))
    #expect(contents.digest == Self.abc && contents.areUnchanged)
    #expect(contents.json == ["sha256": .string(Self.abc), "bytes": [2, 1]])
    #expect(entryCount == 1)
    #expect(cache().knownContents(of: FileSnapshot(of: [a, b]))?.digest == Self.abc)
    // In other parts they are other contents of the same digest.
    #expect(cache().knownContents(of: FileSnapshot(of: [b, a])) == nil)
    #expect(try sha256(of: [a, b]) == Self.abc)
    #expect(FileSnapshot(of: [a, folder.path.appending("none")]) == nil)
    #expect(cache().contents(of: nil) == nil)
  }

  @Test("are not those of files that were changed to others of the same size and time")
  func changed() throws {
    try setAge(1000, of: a)
    let before = try #require(FileSnapshot(of: [a, b]))
    let contents = try #require(cache().contents(of: before))
    try folder.write(Array("xy".utf8), to: "a")
    try folder.write(Array("z".utf8), to: "b")
    try setAge(1000, of: a)
    #expect(!contents.areUnchanged && !before.isUnchanged)
    // What was computed from the files as they were has no contents any more.
    #expect(cache().contents(of: before) == nil)
    #expect(cache().knownContents(of: FileSnapshot(of: [a, b])) == nil)
    #expect(cache().contents(of: FileSnapshot(of: [a, b]))?.digest == Self.xyz)
  }

  @Test("are not those of files that others took the place of")
  func replaced() throws {
    let contents = try #require(cache().contents(of: FileSnapshot(of: [a, b])))
    folder.remove("b")
    try folder.write(Array("cd".utf8), to: "b")
    #expect(!contents.areUnchanged)
    #expect(cache().contents(of: FileSnapshot(of: [a, b]))?.digest == Self.abcd)
    folder.remove("b")
    #expect(!contents.areUnchanged)
  }

  @Test("are not remembered of files that changed a moment ago")
  func unsettled() throws {
    let cache = cache(settlingSeconds: 1_000_000)
    #expect(cache.contents(of: FileSnapshot(of: [a, b]))?.digest == Self.abc)
    #expect(entryCount == 0)
    #expect(cache.knownContents(of: FileSnapshot(of: [a, b])) == nil)
  }

  @Test("of small files are not worth an entry")
  func small() throws {
    let cache = ContentCache(folder: folder.path.appending("c")) { _ in }
    #expect(cache.knownContents(of: FileSnapshot(of: [a, b]))?.digest == Self.abc)
    #expect(entryCount == 0)
  }
}
