import Adapters
import Checkpoints
import Failures
import Tensors
import TestSupport
import Testing

@Suite("Strengths by block")
struct BlockStrengthTests {
  private static let paths = [
    "transformer_blocks.0.attn.to_q", "transformer_blocks.1.attn.to_q",
    "transformer_blocks.12.ff.net.2", "single_transformer_blocks.0.attn.to_q",
    "single_transformer_blocks.1.proj_out", "proj_out", "x_embedder",
  ]

  private func adapter(_ family: String? = "flux1") throws -> Adapter {
    Adapter(
      family: family.flatMap(ModelFamily.named),
      modules: Self.paths.map { path in
        AdapterModule(
          path: path, down: InMemory.tensor("down", [1, 4]), up: InMemory.tensor("up", [4, 1]),
          scale: 0.5)
      })
  }

  @Test(
    "are those of the last rule that matches one of a module's names",
    arguments: [
      ("transformer_blocks=2", [2.0, 2, 2, 1, 1, 1, 1]),
      ("double_blocks.0-1=2", [2, 2, 1, 1, 1, 1, 1]),
      ("double=2,double.12=0", [2, 2, 0, 1, 1, 1, 1]),
      ("double.12=0,double=2", [2, 2, 2, 1, 1, 1, 1]),
      ("single.1=3", [1, 1, 1, 1, 3, 1, 1]),
      ("single_blocks.linear1=3", [1, 1, 1, 3, 1, 1, 1]),
      ("single_blocks.1.linear2=3", [1, 1, 1, 1, 3, 1, 1]),
      ("attn=-1", [-1, -1, 1, -1, 1, 1, 1]),
      ("double_blocks.img_attn.qkv=0.5", [0.5, 0.5, 1, 1, 1, 1, 1]),
      ("ff.net.2=5", [1, 1, 5, 1, 1, 1, 1]), ("ff.net.0-2=5", [1, 1, 5, 1, 1, 1, 1]),
      ("proj_out=4", [1, 1, 1, 1, 4, 4, 1]), ("final_layer=4", [1, 1, 1, 1, 1, 4, 1]),
      ("img_in=4", [1, 1, 1, 1, 1, 1, 4]),
    ])
  func rules(text: String, expected: [Double]) throws {
    let adapter = try adapter()
    let strengths = try blocks(text)
    try strengths.check(in: [adapter], of: "--scale")
    #expect(Self.paths.map { strengths.strength(of: $0, in: adapter.family) } == expected)
    #expect("\(strengths)" == text)
    let scaled = try #require(adapter.scaled(by: strengths))
    let left = zip(Self.paths, expected).filter { $0.1 != 0 }
    #expect(scaled.modules.map(\.path) == left.map(\.0))
    #expect(scaled.modules.map(\.scale) == left.map { $0.1 * 0.5 })
  }

  @Test("are those of text encoders by the component's name")
  func textEncoders() throws {
    var adapter = try adapter()
    let path = "text_model.encoder.layers.3.mlp.fc1"
    let clip = AdapterModule(
      path: path, down: InMemory.tensor("down", [1, 4]), up: InMemory.tensor("up", [4, 1]))
    adapter.textEncoders = ["text_encoder": AdapterPart(modules: [clip])]
    let name = "text_encoder.\(path)"
    for (text, expected) in [
      ("text_encoder=0.5", 0.5), ("text_encoder.text_model.encoder.layers.0-3=2", 2),
      ("mlp.fc1=0", 0),
      ("attn=3,layers.3.mlp.fc1=4", 4),
    ] {
      let strengths = try blocks(text)
      try strengths.check(in: [adapter], of: "--scale")
      #expect(strengths.strength(of: name, in: adapter.family) == expected)
      // Who makes the changes applies them.
      #expect(adapter.scaled(by: strengths)?.textEncoders["text_encoder"]?.modules[0].scale == 1)
    }
    adapter.modules = []
    let error = #expect(throws: BlockStrengthError.self) {
      try blocks("text_encoder_2=2").check(in: [adapter], of: "a.safetensors")
    }
    #expect(error?.description.contains("there are text_encoder") == true)
  }

  @Test("are found by canonical names where the family isn't known")
  func nameless() throws {
    let adapter = try adapter(nil)
    try blocks("single_transformer_blocks=2").check(in: [adapter], of: "--scale")
    let error = #expect(throws: BlockStrengthError.self) {
      try blocks("single_blocks=2").check(in: [adapter], of: "a.safetensors")
    }
    #expect(
      error?.description
        == "a.safetensors: the strength of 'single_blocks' is for no module that is changed; there are "
        + "transformer_blocks.0-1, 12; single_transformer_blocks.0-1; proj_out; x_embedder")
  }

  @Test("for no module are refused, with the blocks that there are")
  func unmatched() throws {
    let adapter = try adapter()
    for text in ["double_blocks.2-11=1", "blocks=1", "double_block=1", "to_q.attn=1", "to=1"] {
      let error = #expect(throws: BlockStrengthError.self) {
        try blocks("attn=1," + text).check(in: [adapter], of: "a.safetensors")
      }
      #expect(
        error?.description
          == "a.safetensors: the strength of '\(text.dropLast(2))' is for no module that is changed; "
          + "there are transformer_blocks.0-1, 12 (or double_blocks, double); "
          + "single_transformer_blocks.0-1 (or single_blocks, single); proj_out; x_embedder")
      #expect(error?.failureKind == .usage)
    }
    let idle = #expect(throws: BlockStrengthError.self) {
      try blocks("attn=1").check(in: [], of: "--scale")
    }
    #expect(
      idle?.description
        == "--scale: the strength of 'attn' is for no adapter: each has strengths by block of its own"
    )
    let all = try blocks("transformer_blocks=0,single=0,proj_out=0,x_embedder=0")
    #expect(adapter.scaled(by: all) == nil)
  }

  @Test(
    "with names that can't be are refused",
    arguments: [
      "", "0-7", "double..0", ".double", "double.", "double.7-0", "double.1-2-3", "double.-",
    ])
  func names(name: String) {
    let error = #expect(throws: BlockStrengthError.self) { try BlockStrengths([(name, 1)]) }
    #expect(
      error?.description
        == "strengths by block: '\(name)' names no part of a model; expected words between dots, as in "
        + "double_blocks.0-7=0.5 or attn.to_q=0")
  }

  @Test("twice for one name, or infinite, are refused")
  func values() {
    let twice = #expect(throws: BlockStrengthError.self) {
      try BlockStrengths([("attn", 1), ("ff", 1), ("attn", 1)])
    }
    #expect(twice?.description == "strengths by block: 'attn' is given twice")
    let odd = #expect(throws: BlockStrengthError.self) { try BlockStrengths([("attn", .nan)]) }
    #expect(odd?.description == "strengths by block: 'attn': expected a finite strength, found nan")
  }

  private func blocks(_ text: String) throws -> BlockStrengths {
    try BlockStrengths(
      text.split(separator: ",").map { rule in
        let parts = rule.split(separator: "=")
        return (String(parts[0]), try #require(Double(parts[1])))
      })
  }
}
