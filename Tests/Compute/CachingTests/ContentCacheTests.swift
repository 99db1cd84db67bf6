import Caching
import Elements
import JSON
import Safetensors
import Synchronization
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A cache of results")
struct ContentCacheTests {
  private let folder: TemporaryFolder
  private let notices = Notices()

  init() throws { folder = try TemporaryFolder() }

  private func cache(byteLimit: Int = 1_000_000) -> ContentCache {
    notices.cache(in: folder.path.appending("c"), byteLimit: byteLimit)
  }

  private func key(_ number: Int64) -> CacheKey { CacheKey("test", ["number": .integer(number)]) }

  /// A tensor of 1000 bytes, all of them one number.
  private func tensor(_ value: UInt8) -> TensorView {
    unsafe TensorView(
      name: "x", dtype: .u8, shape: [1000],
      copying: [UInt8](repeating: value, count: 1000).span.bytes)
  }

  private func value(_ number: Int64, in cache: ContentCache) -> UInt8? {
    cache.find(key(number))?.first.map { unsafe $0.bytes.unsafeLoad(as: UInt8.self) }
  }

  /// The names of all entries.
  private var entries: [String] {
    TemporaryFolder.names(in: folder.path.appending("c")).filter { $0.hasSuffix(".safetensors") }
  }

  private func path(_ key: CacheKey) -> FilePath {
    folder.path.appending("c").appending(key.digest + ".safetensors")
  }

  @Test("gives back the tensors of a key, to others too, under the digest of what it says")
  func kept() throws {
    #expect(cache().find(key(1)) == nil && !cache().holds(key(1)))
    #expect(folder.entries == [])
    let floats = TensorView(name: "y", shape: [2, 3], [1, -0.0, 2.5, .infinity, .nan, 1e-45])
    cache().store([tensor(7), floats], under: key(1))
    let found = try #require(cache().find(key(1)))
    #expect(cache().holds(key(1)) && !cache().holds(key(2)))
    #expect(found.map(\.name) == ["x", "y"] && found.map(\.shape) == [[1000], [2, 3]])
    #expect(found.map(\.dtype) == [.u8, .f32])
    #expect(
      found[1].floats().map(\.bitPattern)
        == [0x3F80_0000, 0x8000_0000, 0x4020_0000, 0x7F80_0000, 0x7FC0_0000, 1])
    // printf '{"kind":"test","number":1}' | sha256sum
    let name = "15a0509be306152dd9bde2e84dd322b6dc87a1af9ce6779ea1dbc138341d872d.safetensors"
    #expect(entries == [name])
    let file = try SafetensorsFile(opening: folder.path.appending("c").appending(name))
    #expect(file.metadata["key"] == "{\"kind\":\"test\",\"number\":1}")
    #expect(
      try Fixtures.text(folder.path.appending("c/CACHEDIR.TAG"))
        .hasPrefix("Signature: 8a477f597d28d172789f06886806bc55\n"))
    #expect(notices.all == [])
  }

  @Test("an entry that is damaged is told of, not used, and made anew", arguments: [0, 1, 2])
  func damaged(way: Int) throws {
    cache().store([tensor(7)], under: key(1))
    let name = "c/\(key(1).digest).safetensors"
    var bytes = try contents(of: path(key(1)))
    switch way {
    case 0: bytes[bytes.count - 1] ^= 1
    case 1: bytes.removeLast()
    default: bytes = []
    }
    try folder.write(bytes, to: name)
    let cache = cache()
    #expect(!cache.holds(key(1)) && cache.find(key(1)) == nil)
    #expect(notices.all == ["\(path(key(1))): damaged; it is not used, and made anew"])
    cache.store([tensor(8)], under: key(1))
    #expect(value(1, in: cache) == 8)
  }

  @Test("an entry of another key under its name is told of and not used")
  func foreign() throws {
    cache().store([tensor(7)], under: key(1))
    try folder.write(contents(of: path(key(1))), to: "c/\(key(2).digest).safetensors")
    #expect(cache().find(key(2)) == nil)
    #expect(
      notices.all == ["\(path(key(2))): not what its name says; it is not used, and made anew"])
    try writeSafetensors([tensor(1)], to: path(key(3)), overwrite: false)
    #expect(cache().find(key(3)) == nil)
    #expect(value(1, in: cache()) == 7)
  }

  @Test("makes room by removing what was not used for longest, and nothing else")
  func eviction() throws {
    for number in Int64(1)...3 { cache().store([tensor(UInt8(number))], under: key(number)) }
    let size = try contents(of: path(key(1))).count
    for (number, age) in [(Int64(1), 300), (2, 200), (3, 100)] {
      try setAge(age, of: path(key(number)))
    }
    let other = String(repeating: "g", count: 64) + ".safetensors"
    try folder.write([1], to: "c/\(other)")
    try folder.write([1], to: "c/notes.txt")
    let leftover = "c/.\(key(9).digest).safetensors.partial-0123456789ab"
    try folder.write([1], to: leftover)
    try setAge(90_000, of: folder.path.appending(leftover))
    try folder.write([1], to: "c/.\(key(8).digest).safetensors.partial-0123456789ab")
    // Used again, the oldest becomes the newest.
    #expect(value(1, in: cache()) == 1)
    cache(byteLimit: 3 * size).store([tensor(4)], under: key(4))
    let kept = [1, 3, 4].map { key($0).digest + ".safetensors" }
    #expect(entries == (kept + [other]).sorted())
    #expect(
      TemporaryFolder.names(in: folder.path.appending("c")).filter { $0.hasPrefix(".") }
        == [".\(key(8).digest).safetensors.partial-0123456789ab"])
    #expect(try contents(of: folder.path.appending("c/notes.txt")) == [1])
    // One that is larger than the limit is not kept.
    cache(byteLimit: size - 1).store([tensor(5)], under: key(5))
    #expect(value(5, in: cache()) == nil)
    #expect(notices.all == [])
  }

  @Test("a folder that can't be made or written is told of once")
  func unwritable() throws {
    let file = try folder.write([], to: "file")
    let cache = notices.cache(in: file.appending("c"))
    for number in Int64(1)...3 {
      cache.store([tensor(1)], under: key(number))
      #expect(cache.find(key(number)) == nil)
    }
    #expect(
      notices.all == [
        "results are not kept for other runs: \(file): cannot create: Not a directory"
      ]
        || notices.all == [
          "results are not kept for other runs: \(file)/c: cannot create: Not a directory"
        ], "\(notices.all)")
  }
}
