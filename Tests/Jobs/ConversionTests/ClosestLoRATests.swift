import AdapterAlgebra
import Adapters
import Conversion
import Elements
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Changes that are no LoRA exactly, converted")
struct ClosestLoRATests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("methods/\(name).safetensors")
  }

  private func conversion(_ name: String, rank: Int?) throws -> AdapterConversion {
    var request = AdapterConversion.Request()
    request.rank = rank
    return try AdapterConversion(
      fixture(name), to: folder.path.appending("lora.safetensors"), request)
  }

  @Test("are made beside what has no form, where that may be left out")
  func partial() throws {
    let stem = "transformer.transformer_blocks.0.attn."
    let path = folder.path.appending("diff.safetensors")
    try writeSafetensors(
      [
        TensorView(
          name: stem + "to_v.diff", shape: [96, 96],
          (0..<96 * 96).map { Float($0 % 97 == 0 ? 1 : 0) }),
        TensorView(name: stem + "norm_q.diff", shape: [12], [Float](repeating: 1, count: 12)),
      ], to: path, overwrite: true)
    var request = AdapterConversion.Request()
    (request.rank, request.family, request.isPartial) = (4, "flux1", true)
    let conversion = try AdapterConversion(
      path, to: folder.path.appending("lora.safetensors"), request)
    #expect(conversion.adapter.modules.map(\.rank) == [4] && conversion.adapter.changes.isEmpty)
    #expect(
      conversion.notes.map(\.text).contains(
        "left out: full differences of '\(stem)norm_q', for which dialect 'diffusers' has no form"))
    request.isPartial = false
    expectRefusal(AdapterError.self, saying: "no plain LoRA, since it changes biases or norms") {
      try AdapterConversion(path, to: folder.path.appending("lora.safetensors"), request)
    }
  }

  @Test("of text encoders as well, and are told by the component's name")
  func ofTextEncoders() throws {
    let path = folder.path.appending("lokr.safetensors")
    let stem = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
    let ones = (0..<256).map { Float($0 % 17 == 0 ? 1 : 0) }
    try writeSafetensors(
      [
        TensorView(name: stem + ".lokr_w1", shape: [2, 2], [4, 0, 0, 2]),
        TensorView(name: stem + ".lokr_w2", shape: [16, 16], ones),
      ], to: path, overwrite: false)
    var request = AdapterConversion.Request()
    (request.rank, request.family) = (16, "flux1")
    let conversion = try AdapterConversion(
      path, to: folder.path.appending("lora.safetensors"), request)
    let part = try #require(conversion.adapter.textEncoders["text_encoder"])
    #expect(part.modules.map(\.rank) == [16] && part.changes.isEmpty)
    // Singular values are 4 and 2, sixteen times each.
    let report = try #require(conversion.ranks)
    #expect(
      report.modules.map(\.path) == ["text_encoder.text_model.encoder.layers.0.self_attn.q_proj"])
    #expect(report.modules.map(\.oldRank) == [32])
    #expect(abs(report.energyKept - 0.8) < 1e-12)
  }

  /// `tools/record-adapter-methods`: torch.linalg.svd in float64 of what PEFT 0.21.2 applies.
  @Test("become the closest one of a rank, and what that keeps is told")
  func closest() throws {
    let conversion = try conversion("peft-lokr", rank: 8)
    try conversion.write()
    let recorded = try SafetensorsFile(opening: fixture("peft-lokr-rank8"))
    let expected = try #require(recorded.tensors.first)
    let module = try #require(try Adapter(opening: conversion.output).modules.first)
    #expect(module.path + ".weight" == expected.name && module.rank == 8)
    let (up, down) = (module.up.floats(), module.down.floats())
    let product = (0..<module.outFeatures * module.inFeatures).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: module.inFeatures)
      return Float(
        (0..<8).reduce(0.0) {
          $0 + module.scale * Double(up[row * 8 + $1])
            * Double(down[$1 * module.inFeatures + column])
        })
    }
    // The recorded change was rounded to float32 before its decomposition, the factors after it.
    #expect(relativeError(product, expected.floats()) < 1e-6)
    let kept = try #require(recorded.metadata["energy_kept"].flatMap { Double($0) })
    let report = try #require(conversion.ranks)
    #expect(abs(report.energyKept - kept) < 1e-6 && kept < 0.9)
    #expect(report.modules.map(\.path) == [module.path])
    #expect(report.modules.map(\.oldRank) == [96] && report.modules.map(\.newRank) == [8])
    let percent = (kept * 10_000).rounded(.down) / 100
    #expect(
      conversion.notes.map(\.text).contains(
        "the closest LoRAs (modules: 1) keep \(percent) % of their energy, the least "
          + "'\(module.path)' with \(percent) %; a larger --rank keeps more"))
    #expect(!conversion.notes.contains { $0.text.contains("baking and drawing take it") })
    let json = conversion.json(isWritten: true)
    #expect(json["energy_kept"]?.double == report.energyKept)
    #expect(json["resized"]?.array?.first?["module"]?.string == module.path)
  }

  @Test("are refused without a rank, with what to do")
  func refused() {
    expectRefusal(
      AdapterError.self,
      saying: "or glance-convert FILE --rank 64 --output LORA makes the closest plain LoRA"
    ) { try conversion("peft-lokr", rank: nil) }
    expectRefusal(
      AdapterError.self, saying: "no plain LoRA, since what it adds depends on the base"
    ) { try conversion("peft-dora", rank: 8) }
  }

  /// PEFT's `lora_bias` has its place beside factors of any rank.
  @Test("leave biases beside them")
  func biases() throws {
    let (plain, ranked) = (
      try conversion("peft-bias", rank: nil), try conversion("peft-bias", rank: 2)
    )
    try ranked.write()
    let written = try contents(of: ranked.output)
    TemporaryFolder.names(in: folder.path).forEach(folder.remove)
    try plain.write()
    #expect(try contents(of: plain.output) == written)
    #expect(plain.adapter.changes.map(\.parameter) == [.bias])
  }

  @Test("leave what is one exactly as it is")
  func exact() throws {
    let plain = try conversion("lokr-fused", rank: nil)
    let ranked = try conversion("lokr-fused", rank: 2)
    #expect(ranked.adapter.ranks == plain.adapter.ranks && ranked.adapter.ranks != [2])
    #expect(ranked.ranks?.modules.isEmpty == true)
    #expect(
      ranked.notes.map(\.text).contains("no change needs a closest LoRA: --rank has no effect"))
    try ranked.write()
    let written = try contents(of: ranked.output)
    TemporaryFolder.names(in: folder.path).forEach(folder.remove)
    try plain.write()
    #expect(try contents(of: plain.output) == written)
  }
}
