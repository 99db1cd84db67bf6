import Formats
import JSON
import Testing

@Suite("Embedded formats")
struct EmbeddedFormatsTests {
  @Test("begin with their schema, by which documents are found", arguments: EmbeddedFormats.names)
  func schema(name: String) {
    let first = EmbeddedFormats.document(name).object?.members.first
    #expect(first?.key == "schema")
    #expect(first?.value.string?.hasPrefix("glance-") == true)
  }

  @Test func familiesAreFoundByTheirSchema() {
    let families = EmbeddedFormats.documents(schema: "glance-family/1")
    #expect(families.map { $0["family"]?.string } == ["flux1", "qwen-image"])
  }
}
