import Checkpoints
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What wrappers of a model leave in the names of its tensors.
@Suite("Segments of wrappers")
struct WrapperSegmentsTests {
  @Test(
    "are taken out where they mean nothing",
    arguments: [
      ("_orig_mod.img_in.weight", "img_in.weight", ["_orig_mod"]),
      ("module.img_in.weight", "img_in.weight", ["module"]),
      ("_forward_module.img_in.weight", "img_in.weight", ["_forward_module"]),
      ("_fpw_module.img_in.weight", "img_in.weight", ["_fpw_module"]),
      ("pipe.dit.img_in.weight", "img_in.weight", ["pipe.dit"]),
      ("dit.img_in.weight", "img_in.weight", ["dit"]),
      ("base_model.model.img_in.weight", "img_in.weight", ["base_model.model"]),
      (
        "transformer_blocks.0._orig_mod.attn.to_q.weight", "transformer_blocks.0.attn.to_q.weight",
        ["_orig_mod"]
      ),
      (
        "model.diffusion_model._orig_mod.img_in.weight", "model.diffusion_model.img_in.weight",
        ["_orig_mod"]
      ),
      (
        "_fsdp_wrapped_module.transformer_blocks.1._fsdp_wrapped_module._checkpoint_wrapped_module.x",
        "transformer_blocks.1.x", ["_fsdp_wrapped_module", "_checkpoint_wrapped_module"]
      ),
      (
        "module._orig_mod.base_model.model.img_in.weight", "img_in.weight",
        ["module", "_orig_mod", "base_model.model"]
      ),
    ] as [(String, String, [String])])
  func taken(name: String, rest: String, segments: [String]) throws {
    let found = try #require(WrapperSegments.shared.without(name))
    #expect(found.name == rest)
    #expect(found.segments == segments)
  }

  @Test(
    "are no part of other names",
    arguments: [
      "img_in.weight", "transformer_blocks.0.dit.weight", "my_module.weight", "modules.weight",
      "transformer_blocks.0.base_model.model.x", "_orig_modx.weight", "module", "",
    ])
  func left(name: String) { #expect(WrapperSegments.shared.without(name) == nil) }

  private let folder: TemporaryFolder
  private var file: FilePath { folder.path.appending("a.safetensors") }

  init() throws { folder = try TemporaryFolder() }

  private func write(_ rename: (String) -> String, adding: [TensorView] = []) throws {
    let tensors = TinyModel.qwen[0].tensors().map { name, shape in
      TensorView(name: rename(name), shape: shape, [Float](repeating: 1, count: shape.reduce(1, *)))
    }
    try writeSafetensors(tensors + adding, to: file, overwrite: false)
  }

  @Test func areSaidOfAKnownModel() throws {
    try write { "_orig_mod." + $0 }
    let source = try TensorSource(openingAny: file)
    #expect(source.tensors.map(\.name) == TinyModel.qwen[0].tensors().map(\.name))
    #expect(
      source.problems == [
        "'_orig_mod.' in 77 of 77 names is left by torch.compile and seen through"
      ])
    #expect(CheckpointDescription(of: source).family?.name == "qwen-image")
  }

  @Test func stayInNamesOfNothingKnown() throws {
    let tensor = TensorView(name: "module.head.weight", shape: [1], [1])
    try writeSafetensors([tensor], to: file, overwrite: false)
    let source = try TensorSource(openingAny: file)
    #expect(source.tensors.map(\.name) == ["module.head.weight"])
    #expect(source.problems == [])
  }

  @Test func thatMakeTwoNamesOneAreRefused() throws {
    try write(
      { $0 },
      adding: [TensorView(name: "module.img_in.bias", shape: [12], Array(repeating: 2, count: 12))])
    let error = try #require(throws: CheckpointError.self) { try TensorSource(openingAny: file) }
    #expect(
      error.description
        == "\(file): tensors 'img_in.bias' and 'module.img_in.bias' are both 'img_in.bias' without what "
        + "a wrapper left in their names, expected one of them; save the model once, unwrapped")
  }

  @Test func anAttachedAdapterIsToldOfAndNothingIsCalledMissing() throws {
    let adapted = "transformer_blocks.0.img_mod.1"
    try write(
      { $0.hasPrefix(adapted + ".") ? adapted + ".base_layer" + $0.dropFirst(adapted.count) : $0 },
      adding: [
        TensorView(
          name: adapted + ".lora_A.default.weight", shape: [1, 12], Array(repeating: 1, count: 12)),
        TensorView(
          name: adapted + ".lora_B.default.weight", shape: [72, 1], Array(repeating: 1, count: 72)),
      ])
    let description = CheckpointDescription(of: try TensorSource(openingAny: file))
    #expect(
      description.problems.map(\.description) == [
        "saved with an adapter attached: 'transformer_blocks.0.img_mod.1' holds 'base_layer' and an "
          + "adapter's factors, and whether they are added to it already, the file doesn't say; load "
          + "the model where it was made, take the adapter off (unload_lora_weights() or unload()), "
          + "and save it again"
      ])
  }
}
