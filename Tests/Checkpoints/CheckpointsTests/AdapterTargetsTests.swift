import Checkpoints
import Testing

@Suite("Targets of an adapter")
struct AdapterTargetsTests {
  let flux: Architecture
  let qwen: Architecture

  init() throws {
    flux = try #require(
      CheckpointDescription(tensors: SyntheticCheckpoint.fluxDiffusers()).architecture)
    qwen = try #require(
      CheckpointDescription(tensors: SyntheticCheckpoint.qwenImage()).architecture)
  }

  /// Counts of CSU-JPG/Glance: `train_Glance_flux.py` and `train_Glance_qwen.py` at full size.
  @Test func referenceTargetsAreThePublishedOnes() throws {
    let onFlux = try #require(try flux.modules(ofTargetPreset: "reference"))
    #expect(onFlux.count == 19 * 4 + 38 * 3)
    let onQwen = try #require(try qwen.modules(ofTargetPreset: "reference"))
    #expect(onQwen.count == 720)
    // Rank 32 on Qwen-Image: 235.9 M parameters.
    let parameters = onQwen.reduce(0) { $0 + 32 * (($1.inFeatures ?? 0) + ($1.outFeatures ?? 0)) }
    #expect(parameters == 235_929_600)
    // Rank 16 on FLUX.1: 18.68 M parameters.
    let fewer = onFlux.reduce(0) { $0 + 16 * (($1.inFeatures ?? 0) + ($1.outFeatures ?? 0)) }
    #expect(fewer == 18_677_760)
  }

  @Test func attentionAndAllGrow() throws {
    #expect(try flux.modules(ofTargetPreset: "attention")?.count == 19 * 8 + 38 * 3)
    #expect(try flux.modules(ofTargetPreset: "modulation")?.count == 19 * 2 + 38)
    #expect(try qwen.modules(ofTargetPreset: "modulation")?.count == 60 * 2)
    #expect(try flux.modules(ofTargetPreset: "all")?.count == 19 * 14 + 38 * 6)
    #expect(try qwen.modules(ofTargetPreset: "attention")?.count == 60 * 8)
    #expect(try qwen.modules(ofTargetPreset: "all")?.count == 60 * 14)
    #expect(try qwen.modules(ofTargetPreset: "other") == nil)
  }

  @Test func aListMatchesAtDots() throws {
    #expect(try flux.modules(matching: ["proj_out"]).count == 39)
    #expect(
      try flux.modules(matching: ["transformer_blocks.3.attn.to_q"]).map(\.path)
        == ["transformer_blocks.3.attn.to_q"])
    #expect(try qwen.modules(matching: ["img_mlp.net.2", "img_in"]).count == 61)
  }

  @Test func aTargetThatSelectsNothingIsAnError() {
    let error = #expect(throws: CheckpointError.self) {
      _ = try flux.modules(matching: ["to_q", "q_proj"])
    }
    #expect(error?.description.hasPrefix("target 'q_proj' selects no linear module") == true)
  }

  @Test func presetsAreRecognised() throws {
    let reference = try #require(try qwen.modules(ofTargetPreset: "reference"))
    #expect(qwen.targetPreset(selecting: reference.map(\.path)) == "reference")
    #expect(qwen.targetPreset(selecting: reference.dropLast().map(\.path)) == nil)
  }
}
