import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A component's configuration")
struct ConfigurationTests {
  @Test func aDocumentThatIsNoObjectIsRefused() throws {
    let folder = try TemporaryFolder()
    let file = folder.path.appending("config.json")
    for (text, detail) in [
      ("[1]", "expected a JSON object"), ("{", "not a JSON document"), ("", "not a JSON document"),
    ] {
      try folder.write(Array(text.utf8), to: "config.json")
      let error = #expect(throws: CheckpointError.self) { _ = try Configuration(reading: file) }
      #expect(error?.description.hasPrefix("\(file): \(detail)") == true)
    }
  }

  @Test(
    "contradicting the tensors is a problem",
    arguments: [
      ("num_layers", 5, "4"), ("attention_head_dim", 64, "32"), ("num_attention_heads", 4, "3"),
      ("in_channels", 16, "64"), ("out_channels", 64, "16"), ("patch_size", 1, "2"),
      ("joint_attention_dim", 3584, "64"),
    ] as [(String, Int64, String)])
  func contradictions(key: String, value: Int64, expected: String) throws {
    let folder = try OpenedCheckpoint(
      component: Fixtures.model("tiny-qwen-image").appending("transformer"))
    var json = try #require(folder.configuration?.json.object)
    json[key] = .integer(value)
    let found = CheckpointDescription(
      tensors: folder.source.tensors.map(\.description),
      configuration: Configuration(file: "config.json", json: .object(json)))
    #expect(found.problems == [.configuration(key: key, expected: expected, found: "\(value)")])
  }

  @Test func aFlagThatNoTensorShowsComesFromTheConfiguration() throws {
    let folder = try OpenedCheckpoint(
      component: Fixtures.model("tiny-qwen-image").appending("transformer"))
    var json = try #require(folder.configuration?.json.object)
    json["zero_cond_t"] = true
    let found = CheckpointDescription(
      tensors: folder.source.tensors.map(\.description),
      configuration: Configuration(file: "config.json", json: .object(json)))
    #expect(found.problems == [])
    #expect(found.variant?.name == "edit-2511")
  }
}
