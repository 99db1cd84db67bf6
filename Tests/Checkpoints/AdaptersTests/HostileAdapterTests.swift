import Adapters
import Checkpoints
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Adapters that must not be merged")
struct HostileAdapterTests {
  static let folder = Fixtures.folder.appending("hostile").appending("lora")

  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let isAccepted: Bool
    let hasWarning: Bool
    var testDescription: String { file }
  }

  /// The verdicts of the corpus' manifest.
  static let cases: [Case] = {
    guard let text = try? Fixtures.text(folder.appending("manifest.json")),
      let json = try? JSONValue(parsing: text)
    else { return [] }
    return (json.array ?? []).map {
      Case(
        file: String(($0["file"]?.string ?? "").dropFirst("lora/".count)),
        isAccepted: $0["must"]?.string == "accept", hasWarning: $0["warn"]?.bool ?? false)
    }
  }()

  @Test func theCorpusIsThere() { #expect(Self.cases.count >= 18) }

  @Test("get the corpus' verdict", arguments: cases)
  func verdicts(_ expected: Case) throws {
    let base = try SafetensorsFile(opening: Self.folder.appending("base/flux_tiny.safetensors"))
    let architecture = try #require(
      CheckpointDescription(tensors: base.tensors.map(\.description)).architecture)
    let path = Self.folder.appending(expected.file)
    // Opening for inspection never fails on a valid container.
    let file = try AdapterFile(opening: path)
    do {
      let coverage = try file.adapter().coverage(of: architecture)
      #expect(coverage.isComplete == expected.isAccepted, "\(coverage)")
    } catch {
      #expect(!expected.isAccepted, "\(error)")
      #expect("\(error)".contains(expected.file))
    }
    if expected.hasWarning { #expect(file.problems.contains { !$0.isError }) }
  }

  @Test func coverageCountsAndNames() throws {
    let base = try SafetensorsFile(opening: Self.folder.appending("base/flux_tiny.safetensors"))
    let architecture = try #require(
      CheckpointDescription(tensors: base.tensors.map(\.description)).architecture)
    let file = InMemory.file(
      InMemory.pair(
        "transformer.transformer_blocks.0.attn.to_q", inFeatures: 32, outFeatures: 32)
        + InMemory.pair("transformer.transformer_blocks.7.attn.to_q")
        + InMemory.pair(
          "transformer.transformer_blocks.0.attn.to_k", inFeatures: 32, outFeatures: 16))
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(error?.description.contains("not the shape of its module") == true)
    let sound = InMemory.file(
      InMemory.pair(
        "transformer.transformer_blocks.0.attn.to_q", inFeatures: 32, outFeatures: 32)
        + InMemory.pair("transformer.transformer_blocks.7.attn.to_q"))
    let coverage = try sound.adapter().coverage(of: architecture)
    #expect(coverage.matchedCount == 1)
    #expect(coverage.moduleCount == 2)
    #expect(coverage.unknown == ["transformer_blocks.7.attn.to_q"])
    // 12 linear modules outside blocks but guidance's two, 14 in the double block, 6 in the single.
    #expect(coverage.adaptableCount == 8 + 14 + 6)
  }
}
