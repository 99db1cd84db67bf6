import Caching
import Compute
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Keys of kept results")
struct CacheKeyTests {
  /// What a key says, in order.
  private func members(_ key: CacheKey) throws -> [JSONObject.Member] {
    try #require(JSONValue(parsing: key.description).object).members
  }

  @Test("of what is computed name the program, its arithmetic and the C library")
  func computed() throws {
    let members = try members(CacheKey(computed: "caption", ["ids": [1, 2]]))
    #expect(
      members.map(\.key) == ["kind", "ids", "program", "revision", "arithmetic", "library"])
    let values = members.map(\.value)
    #expect(values[0] == "caption" && values[1] == [1, 2])
    #expect(values[2].string?.hasPrefix("glance ") == true)
    #expect(values[4].string == Arithmetic.name)
    #expect(values[5].string?.hasPrefix("glibc 2.") == true)
  }

  @Test(
    "find nothing of another version, revision, arithmetic, library, kind or input",
    arguments: 0..<6)
  func anyOther(changed: Int) throws {
    let folder = try TemporaryFolder()
    let cache = Notices().cache(in: folder.path)
    let key = CacheKey(computed: "caption", ["ids": [1, 2]])
    cache.store([("x", Tensor(shape: [1], [1]))], under: key)
    var members = try members(key)
    func again() throws -> CacheKey {
      CacheKey(try #require(members[0].value.string), JSONObject(Array(members.dropFirst())))
    }
    #expect(try cache.holds(again()))
    members[changed] = .init(key: members[changed].key, value: "another")
    #expect(try !cache.holds(again()))
  }
}
