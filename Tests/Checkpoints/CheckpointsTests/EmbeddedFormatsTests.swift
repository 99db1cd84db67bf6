import Formats
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Embedded formats")
struct EmbeddedFormatsTests {
  @Test("begin with their schema, by which documents are found", arguments: EmbeddedFormats.names)
  func schema(name: String) {
    let first = EmbeddedFormats.document(name).object?.members.first
    #expect(first?.key == "schema")
    #expect(first?.value.string?.hasPrefix("glance-") == true)
  }

  /// Programs read them without the checks of what comes from outside.
  @Test("are what their files say, read with all checks", arguments: EmbeddedFormats.names)
  func checked(name: String) throws {
    let project = Fixtures.folder.removingLastComponent().removingLastComponent()
    let text = try contents(of: project.appending("formats").appending("\(name).json"))
    #expect(try JSONValue(parsing: text.span.bytes) == EmbeddedFormats.document(name))
  }

  @Test func familiesAreFoundByTheirSchema() {
    let families = EmbeddedFormats.documents(schema: "glance-family/1")
    #expect(families.map { $0["family"]?.string } == ["flux1", "qwen-image"])
  }
}
