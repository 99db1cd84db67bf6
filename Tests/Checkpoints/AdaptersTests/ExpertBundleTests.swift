import Adapters
import Elements
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A bundle of experts")
struct ExpertBundleTests {
  let folder: TemporaryFolder
  let path: FilePath

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path.appending("both.safetensors")
  }

  /// The recorded experts, written as files of their own with metadata.
  private func writeExperts(
    _ family: String, dtype: DType = .f32, in folder: TemporaryFolder
  ) throws -> [FilePath] {
    try ["slow", "fast"].map { phase in
      var adapter = try Adapter(opening: Goldens.folder(family).appending("\(phase).safetensors"))
      adapter.metadata = [
        ("format", "pt"), ("glance.phase", phase), ("glance.sigmas", "1.0,0.9|0.5"),
        ("modelspec.title", "über \"\(phase)\"\n"),
      ]
      var options = AdapterWritingOptions()
      options.dtype = dtype
      let file = folder.path.appending("own-\(phase).safetensors")
      try adapter.write(to: file, options)
      return file
    }
  }

  @Test("gives the experts' files back byte for byte", arguments: ["flux", "qwen"])
  func roundTrip(family: String) throws {
    for dtype in [DType.f32, .bf16] {
      let folder = try TemporaryFolder()
      let path = folder.path.appending("both.safetensors")
      let files = try writeExperts(family, dtype: dtype, in: folder)
      let experts = try files.flatMap { try AdapterInput(opening: $0).experts() }
      #expect(experts.map(\.phase) == ["slow", "fast"])
      try ExpertBundle(experts: experts).write(to: path)
      let bundle = try ExpertBundle(opening: path)
      let split = try bundle.split(into: folder.path, stem: "again")
      #expect(
        split.map { $0.lastComponent?.string } == [
          "again-slow.safetensors", "again-fast.safetensors",
        ])
      for (before, after) in zip(files, split) {
        #expect(try fileBytes(before) == fileBytes(after))
      }
    }
  }

  @Test func namesAndMetadataAreAsDocumented() throws {
    let experts = try writeExperts("flux", in: folder).flatMap {
      try AdapterInput(opening: $0).experts()
    }
    try ExpertBundle(experts: experts).write(to: path)
    let file = try SafetensorsFile(opening: path)
    #expect(file.tensors.count == 80)
    #expect(
      file.tensors[0].name == "glance.slow.single_transformer_blocks.0.attn.to_k.down")
    #expect(file.tensors[0].shape == [4, 96])
    #expect(file.tensors[79].name == "glance.fast.transformer_blocks.1.attn.to_v.up")
    #expect(
      file.metadata.map(\.key) == [
        "format", "glance.bundle", "glance.phases", "glance.sigmas", "glance.slow.metadata",
        "glance.fast.metadata",
      ])
    #expect(file.metadata[0].value == "glance-bundle")
    #expect(file.metadata[2].value == "slow,fast")
    #expect(!file.tensors.contains { $0.name.contains("lora") })
    // Read as an adapter it has nothing that could be applied.
    #expect(try AdapterInput(opening: path).experts().map(\.phase) == ["slow", "fast"])
    expectRefusal(
      AdapterError.self,
      saying:
        "key 'glance.slow.single_transformer_blocks.0.attn.to_k.down' is no part of an adapter"
    ) { try Adapter(opening: path) }
  }

  @Test func aScaleIsBaked() throws {
    let adapter = try Adapter(
      opening: Goldens.folder("flux").appending("adapter_with_alpha.safetensors"))
    try ExpertBundle(experts: [Expert(phase: "single", adapter: adapter)]).write(
      to: path, dtype: .f32)
    let found = try #require(try ExpertBundle(opening: path).expert("single"))
    #expect(found.scales == [1])
    #expect(deltaError(found, adapter) <= 1e-7)
  }

  @Test func everyExpertNeedsAPhaseOfItsOwn() throws {
    let adapter = try Adapter(opening: Goldens.folder("flux").appending("slow.safetensors"))
    for (phases, text) in [
      (["slow", "slow"], "found 'slow', 'slow'"), (["slow", nil], "found 'slow', none"),
      ([], "found no expert"), (["a b"], "found 'a b'"),
    ] as [([String?], String)] {
      expectRefusal(
        AdapterError.self,
        saying: "not a bundle of experts: every expert needs a phase of its own, " + text
      ) {
        try ExpertBundle(experts: phases.map { Expert(phase: $0, adapter: adapter) })
      }
    }
  }

  @Test(
    "damaged bundles are refused",
    arguments: [
      ([("glance.bundle", "2"), ("glance.phases", "slow")], "'glance.bundle' is '2', expected 1"),
      ([("glance.bundle", "1")], "'glance.phases' is ''"),
      ([("glance.bundle", "1"), ("glance.phases", "slow,slow")], "'glance.phases'"),
      ([("glance.bundle", "1"), ("glance.phases", "fast")], "belongs to no phase"),
      (
        [("glance.bundle", "1"), ("glance.phases", "slow"), ("glance.slow.metadata", "[1]")],
        "expected a JSON object of texts"
      ),
      ([("glance.phases", "slow")], "no metadata 'glance.bundle'"),
    ] as [([(String, String)], String)])
  func damaged(metadata: [(String, String)], message: String) throws {
    let module = "glance.slow.transformer_blocks.0.attn.to_q"
    try writeSafetensors(
      [InMemory.tensor(module + ".down", [2, 4]), InMemory.tensor(module + ".up", [4, 2])],
      metadata: Metadata(metadata.map { (key: $0.0, value: $0.1) }), to: path, overwrite: true)
    let error = #expect(throws: AdapterError.self) { _ = try ExpertBundle(opening: path) }
    #expect(error?.description.contains(message) == true)
  }
}
