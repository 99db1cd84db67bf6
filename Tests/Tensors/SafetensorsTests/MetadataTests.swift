import JSON
import Tensors
import Testing

@Suite("The texts of a header")
struct MetadataTests {
  private let texts: Metadata = [("a", "1"), ("e\u{301}", "2"), ("a", "3"), ("b", "4")]

  @Test("are found by the bytes of their keys, of equal ones the first")
  func lookup() {
    #expect(texts["a"] == "1")
    #expect(texts["e\u{301}"] == "2")
    // The same letter to Swift, other bytes.
    #expect(texts["\u{e9}"] == nil)
    #expect(texts["c"] == nil)
  }

  @Test("are set where the key is, or at the end, and removed wherever it is")
  func setting() {
    var changed = texts.setting([("b", "x"), ("c", "y")])
    #expect(changed.map(\.key) == ["a", "e\u{301}", "a", "b", "c"])
    #expect(changed.map(\.value) == ["1", "2", "3", "x", "y"])
    changed["a"] = nil
    changed["d"] = nil
    #expect(changed.map(\.value) == ["2", "x", "y"])
  }

  @Test("lose the digests of the file that they came from")
  func digests() {
    let texts: Metadata = [
      ("sshs_model_hash", "0"), ("ss_sshs", "1"), ("sshs_legacy_hash", "2"),
      ("modelspec.hash_sha256", "3"), ("modelspec.title", "4"),
    ]
    #expect(texts.withoutDigests.map(\.value) == ["1", "4"])
  }

  @Test("agree where every other list has the same")
  func agreement() {
    let first: Metadata = [("a", "1"), ("b", "2"), ("c", "3")]
    let agreed = first.agreeing(with: [
      [("c", "3"), ("a", "1"), ("b", "0")], [("a", "1"), ("c", "3")],
    ])
    #expect(agreed.map(\.key) == ["a", "c"])
    #expect(first.agreeing(with: [Metadata]()).count == 3)
  }

  @Test("are the members of an object, and of fields those that have a text")
  func fields() {
    let texts = Metadata([("x", "1"), ("y", nil), ("z", "2")], prefix: "p.")
    #expect(texts.json.members.map(\.key) == ["p.x", "p.z"])
    #expect(texts.json.members.map(\.value) == ["1", "2"])
  }
}
