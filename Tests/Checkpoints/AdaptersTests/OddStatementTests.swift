import Adapters
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Statements of a scale with types that nobody expects")
struct OddStatementTests {
  private func file(_ metadata: Metadata) -> AdapterFile {
    InMemory.file(InMemory.pair("transformer.transformer_blocks.0.attn.to_q"), metadata: metadata)
  }

  @Test(
    "a switch is true, false, 1 or 0, and refused where it is anything else",
    arguments: [
      ("true", 4), ("1", 4), ("false", 2.8284271247461903), ("0", 2.8284271247461903),
      (#""True""#, nil), ("2", nil), ("1.5", nil), ("[]", nil),
    ] as [(String, Double?)])
  func switches(value: String, scale: Double?) throws {
    // The square root of 2 times 4 / 2 with the switch, 4 · √2 / 2 without it.
    let alpha = 5.656854249492381
    let text = #"{"transformer.r": 2, "transformer.lora_alpha": \#(alpha), "#
    let files = [
      file([("lora_adapter_metadata", text + #""transformer.use_rslora": \#(value)}"#)]),
      file([("lora_alpha", "\(alpha)"), ("r", "2"), ("use_rslora", value)]),
    ]
    for (file, name) in zip(files, ["lora_adapter_metadata", "the header's 'lora_alpha'"]) {
      if let scale {
        #expect(try abs(file.adapter().modules[0].scale - scale) < 1e-12)
      } else {
        expectRefusal(
          AdapterError.self, saying: "\(name): 'use_rslora' is \(value), expected true or false"
        ) { try file.adapter() }
      }
    }
  }

  /// A statement that is read must be taken out where the scale is baked, or it counts twice.
  @Test(
    "numbers are read alike when a scale is applied and when it is taken out",
    arguments: [" 4 ", "4\n", "4e0", "4.0"])
  func spellings(text: String) throws {
    let folder = try TemporaryFolder()
    let adapter = try file([("alpha", text), ("title", "x")]).adapter()
    #expect(adapter.scales == [2])
    let path = folder.path.appending("baked.safetensors")
    try adapter.write(to: path)
    let written = try AdapterFile(opening: path)
    #expect(written.metadata("alpha") == nil)
    #expect(try written.adapter().scales == [1])
    let kohya = InMemory.file(
      InMemory.pair(
        "lora_unet_single_blocks_0_linear2", down: ".lora_down.weight", up: ".lora_up.weight"),
      metadata: [("ss_network_alpha", text), ("ss_network_dim", "2.0")])
    #expect(kohya.scales == [2])
  }

  @Test("kohya's alpha without a number is said")
  func unreadCopy() {
    #expect(
      file([("ss_network_alpha", "eight")]).problems == [
        .unreadAlpha(key: "ss_network_alpha", value: "eight"), .alphaAssumed(moduleCount: 1),
      ])
    #expect(file([("ss_network_alpha", "None")]).problems == [.alphaAssumed(moduleCount: 1)])
  }

  @Test("DoRA without magnitudes is refused by what says it", arguments: ["true", "1"])
  func magnitudes(value: String) {
    let text =
      #"{"transformer.r": 2, "transformer.lora_alpha": 2, "transformer.use_dora": \#(value)}"#
    expectRefusal(
      AdapterError.self,
      saying: "lora_adapter_metadata: 'use_dora' says DoRA, and the file has no magnitudes"
    ) { try file([("lora_adapter_metadata", text)]).adapter() }
  }

  @Test("a rank that is no whole number is refused, wherever it stands")
  func ranks() {
    expectRefusal(
      AdapterError.self, saying: "lora_adapter_metadata: 'r' is 2.5, expected a whole number"
    ) { try file([("lora_adapter_metadata", #"{"transformer.r": 2.5}"#)]).adapter() }
    expectRefusal(
      AdapterError.self, saying: "rank 2 in the tensors, 4 in the header's 'lora_alpha'"
    ) { try file([("lora_alpha", "4"), ("r", "4.0")]).adapter() }
  }

  @Test("what is said of a component that isn't there is named and not used")
  func otherComponent() throws {
    let file = file([("lora_adapter_metadata", #"{"unet.r": 2, "unet.lora_alpha": 8}"#)])
    #expect(
      file.problems == [.otherComponentDescribed(name: "unet"), .alphaAssumed(moduleCount: 1)])
    #expect(
      file.problems[0].description
        == "lora_adapter_metadata gives rank and alpha of 'unet', which isn't in the file, and nothing "
        + "of the transformer: they are not used")
    #expect(try file.adapter().scales == [1])
  }

  @Test("a header that can't be read is said once")
  func malformed() {
    let file = file([("lora_adapter_metadata", "{")])
    #expect(file.problems.filter(\.isError).count == 1)
  }
}
