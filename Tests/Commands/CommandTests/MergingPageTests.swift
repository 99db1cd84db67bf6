import SystemPackage
import TestSupport
import Testing

/// The examples of `docs/merging.md`, one after the other.
@Suite("The page of merging")
struct MergingPageTests {
  @Test("has examples that run, in its order")
  func examples() throws {
    let folder = try TemporaryFolder()
    let root = Fixtures.folder.removingLastComponent().removingLastComponent()
    let base = Fixtures.model("tiny-flux").appending("transformer")
      .appending("diffusion_pytorch_model.safetensors")
    let adapter = Goldens.folder("flux").appending("adapter.safetensors")
    let text = try Fixtures.text(root.appending("docs").appending("merging.md"))
    var isExample = false
    var count = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") { isExample = line == "```sh" }
      guard isExample, line.hasPrefix("glance-merge ") else { continue }
      let words = line.split(separator: " ").map { word in
        word.replacing("ADAPTER", with: adapter.string)
          .replacing("BASE", with: base.string)
      }
      let outcome = try BuiltCommand("glance-merge").shell(
        "cd '\(folder.path)' && \"$COMMAND\" \(words.dropFirst().joined(separator: " "))")
      #expect(outcome.status == 0, "\(line): \(outcome.errors)")
      count += 1
    }
    #expect(count == 16)
    #expect(
      try contents(of: folder.path.appending("base.safetensors")) == contents(of: base))
    let whole = try BuiltCommand("glance-convert").shell(
      "cd '\(folder.path)' && \"$COMMAND\" both/fast.safetensors --output fast.safetensors")
    #expect(whole.status == 0, "\(whole.errors)")
  }
}
