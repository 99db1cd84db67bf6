import Elements
import Inspection
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Comparing")
struct ComparingTests {
  static let folder = Fixtures.folder.appending("inspection")
  static let bfl = folder.appending("bfl.safetensors")
  static let diffusers = folder.appending("diffusers.safetensors")
  static let changed = folder.appending("changed.safetensors")

  private func details(
    _ path: FilePath, diff: FilePath? = nil, against: FilePath? = nil
  ) throws -> JSONValue {
    let inspection = try Inspected(of: path)
    var details = InspectionDetails()
    if let diff { details.difference = try inspection.difference(from: Inspected(of: diff)) }
    if let against { details.fit = try inspection.fit(Inspected(of: against)) }
    return inspection.json(details)
  }

  @Test func theSameModelInTwoLayoutsIsIdentical() throws {
    let diff = try details(Self.bfl, diff: Self.diffusers)["diff"]
    #expect(diff?["identical"] == true)
    #expect(diff?["compared_by"] == "modules")
    #expect(diff?["identical_tensors"] == 66)
    let fit = try details(Self.bfl, against: Self.diffusers)["against"]
    #expect(fit?["fits"] == true && fit?["matched"] == 66)
  }

  /// The recorded numbers are numpy's, from the same changes in the other layout.
  @Test("changes are found in fused and exchanged rows", arguments: [diffusers, bfl])
  func changes(base: FilePath) throws {
    let diff = try #require(try details(Self.changed, diff: base)["diff"])
    let expected = try JSONValue(
      parsing: Fixtures.text(Self.folder.appending("changed.json"))
    ).object?.members
    #expect(diff["identical"] == false)
    let changes = diff["changed"]?.array ?? []
    #expect(changes.count == 3)
    guard base == Self.diffusers else {
      #expect(diff["compared_by"] == "names")
      #expect(
        changes.compactMap { $0["name"]?.string } == [
          "double_blocks.0.img_attn.qkv.weight", "final_layer.adaLN_modulation.1.weight",
          "single_blocks.0.norm.key_norm.scale",
        ])
      return
    }
    for member in expected ?? [] {
      let found = changes.first { $0["name"]?.string == member.key }?["difference"]
      for key in ["max", "norm", "relative"] {
        let (value, wanted) = (found?[key]?.double ?? .nan, member.value[key]?.double ?? 0)
        // Both sum squares in double precision, in another order.
        #expect(abs(value - wanted) <= 1e-13 * wanted)
      }
      #expect(found?["unequal"] == member.value["unequal"])
      #expect(found?["not_finite"] == member.value["not_finite"])
    }
  }

  @Test func tensorsOfOneSideAndOfOtherTypesAreNamed() throws {
    let folder = try TemporaryFolder()
    let first = folder.path.appending("a.safetensors")
    let second = folder.path.appending("b.safetensors")
    let ints: [UInt8] = [1, 2, 3, 4]
    let codes: [UInt8] = [0x12, 0x34]
    func write(_ tensors: [TensorView], _ path: FilePath) throws {
      try writeSafetensors(tensors, to: path, overwrite: false)
    }
    let four = unsafe TensorView(name: "f4", dtype: .f4, shape: [4], copying: codes.span.bytes)
    let other = unsafe TensorView(
      name: "f4", dtype: .f4, shape: [4], copying: [UInt8]([0x12, 0x35]).span.bytes)
    try write(
      [
        TensorView(name: "a", shape: [2], [1, 2]), TensorView(name: "s", shape: [2], [1, 2]),
        TensorView(name: "half", shape: [2], [1, 1.00390625]),
        unsafe TensorView(name: "i", dtype: .u8, shape: [4], copying: ints.span.bytes), four,
      ], first)
    let narrow: [UInt8] = [0x80, 0x3F, 0x80, 0x3F]
    let equal: [UInt8] = [1, 2, 3, 6]
    try write(
      [
        TensorView(name: "b", shape: [2], [1, 2]), TensorView(name: "s", shape: [1, 2], [1, 2]),
        unsafe TensorView(name: "half", dtype: .bf16, shape: [2], copying: narrow.span.bytes),
        unsafe TensorView(name: "i", dtype: .u8, shape: [4], copying: equal.span.bytes), other,
      ], second)
    let diff = try #require(try details(first, diff: second)["diff"])
    #expect(diff["added"]?.array?.compactMap { $0["name"]?.string } == ["a"])
    #expect(diff["removed"]?.array?.compactMap { $0["name"]?.string } == ["b"])
    let changes = diff["changed"]?.array ?? []
    func change(_ name: String) -> JSONValue? { changes.first { $0["name"]?.string == name } }
    #expect(changes.count == 4)
    #expect(change("s")?["difference"] == .null)
    #expect(change("s")?["other_shape"] == [1, 2])
    #expect(change("half")?["other_dtype"] == "BF16")
    #expect(change("half")?["difference"]?["max"]?.double == 0.00390625)
    #expect(change("i")?["difference"]?["max"]?.double == 2)
    #expect(change("i")?["difference"]?["unequal"] == 1)
    // Two elements share the byte that differs.
    #expect(change("f4")?["difference"]?["unequal"] == 2)
    let fit = try #require(try details(first, against: second)["against"])
    #expect(fit["fits"] == false && fit["matched"] == 3 && fit["tensors"] == 5)
    #expect(fit["wrong_shape"]?.array?.count == 1 && fit["other_dtype"]?.array?.count == 1)
  }

  @Test func largeTensorsAreComparedTheSameWithAnyNumberOfThreads() throws {
    let folder = try TemporaryFolder()
    let count = 2_200_000
    let a = (0..<count).map { Float($0 % 1000) }
    var b = a
    for index in stride(from: 5, to: count, by: 1_000) { b[index] += 0.25 }
    for (name, numbers) in [("a", a), ("b", b)] {
      try writeSafetensors(
        [TensorView(name: "w", shape: [count], numbers)],
        to: folder.path.appending(name + ".safetensors"), overwrite: false)
    }
    let found = try atWidths([1, 3]) {
      try details(
        folder.path.appending("a.safetensors"), diff: folder.path.appending("b.safetensors"))[
          "diff"]
    }
    #expect(found[0] == found[1])
    // 2,200 places differ by 1/4.
    #expect(found[0]?["total"]?["norm"]?.double == (2200 * 0.0625).squareRoot())
  }

  @Test func adaptersOfTwoDialectsChangeTheSame() throws {
    let cases = Fixtures.folder.appending("convert").appending("cases")
    let folder = cases.appending("lora_flux_kohya_to_diffusers")
    let diff = try #require(
      try details(
        folder.appending("in").appending("lora.safetensors"),
        diff: folder.appending("exp").appending("pytorch_lora_weights.safetensors"))["diff"])
    #expect(diff["kind"] == "adapters" && diff["identical"] == true)
    let expert = diff["experts"]?.array?.first
    #expect(expert?["modules"]?.array?.count == 46)
    #expect(abs((expert?["cosine"]?.double ?? 0) - 1) < 1e-12)
  }

  @Test func anAdapterThatLacksModulesOrFamilyDoesNotFit() throws {
    let cases = Fixtures.folder.appending("convert").appending("cases")
    let musubi = cases.appending("lora_qwen_musubi_to_diffusers").appending("in")
      .appending("lora.safetensors")
    let flux = Fixtures.model("tiny-flux")
    let other = try #require(try details(musubi, against: flux)["against"])
    #expect(other["fits"] == false && other["made_for"] == "Qwen-Image")
    let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors")
    let own = try #require(try details(adapter, against: flux)["against"])
    #expect(own["fits"] == true && own["coverage"]?.array?.first?["matched"] == 20)
    let wrong = try #require(try details(adapter, against: Self.bfl)["against"])
    #expect(wrong["fits"] == false)
    #expect(wrong["coverage"]?.array?.first?["unknown"]?.array?.isEmpty == false)
  }

  @Test func whatCannotBeComparedIsSaid() throws {
    let picture = try Inspected(of: Goldens.folder("flux").appending("image.png"))
    let checkpoint = try Inspected(of: Self.bfl)
    let adapter = try Inspected(
      of: Goldens.folder("flux").appending("adapter_with_alpha.safetensors"))
    for (run, text) in [
      ({ _ = try picture.difference(from: checkpoint) }, "image.png: no tensors to compare"),
      ({ _ = try checkpoint.difference(from: adapter) }, "can't be compared with an adapter"),
      ({ _ = try adapter.difference(from: checkpoint) }, "can't be compared with an adapter"),
      ({ _ = try checkpoint.fit(adapter) }, "not a checkpoint, which a base must be"),
    ] as [(() throws -> Void, String)] {
      expectRefusal(InspectionError.self, saying: text) { try run() }
    }
  }
}
