import Elements
import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// glance-convert as people run it: what every option does, and what is printed.
@Suite("glance-convert")
struct ConversionCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-convert")
  private let input: FilePath

  init() throws {
    folder = try TemporaryFolder()
    input = folder.path.appending("dev.safetensors")
    try TinyModel(title: "dev", hidden: 32, mlp: 64, head: 8).write(to: input)
  }

  private func file(_ name: String) -> FilePath { folder.path.appending(name) }

  /// Runs the command, which must succeed.
  @discardableResult
  private func convert(
    _ input: FilePath, _ output: String, _ options: String...
  ) throws -> BuiltCommand.Outcome {
    let outcome = try command.run([input.string, "--output", file(output).string] + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  private func names(_ output: String) throws -> [String] {
    try TensorSource(opening: file(output)).tensors.map(\.name)
  }

  @Test func writesTheLayoutThatIsAskedFor() throws {
    let outcome = try convert(input, "d.safetensors", "--layout", "diffusers")
    #expect(
      outcome.output.hasPrefix("wrote \(file("d.safetensors")): diffusers layout, 112 tensors, "))
    #expect(outcome.errors == "")
    #expect(try names("d.safetensors").contains("transformer_blocks.0.attn.to_q.weight"))
    try convert(file("d.safetensors"), "b.safetensors", "--layout", "bfl")
    try convert(file("d.safetensors"), "c.safetensors", "--layout", "comfyui")
    #expect(try names("b.safetensors").contains("img_in.weight"))
    #expect(try names("c.safetensors").contains("model.diffusion_model.img_in.weight"))
    try convert(file("c.safetensors"), "k.safetensors", "--layout", "keep")
    #expect(try contents(of: file("k.safetensors")) == contents(of: file("c.safetensors")))
  }

  @Test("what --verify reads back is every byte of every output")
  func verifies() throws {
    try convert(input, "plain", "--layout", "diffusers", "--shard-size", "20kB")
    let outcome = try convert(
      input, "verified", "--layout", "diffusers", "--shard-size", "20kB", "--verify")
    let names = TemporaryFolder.names(in: file("plain"))
    #expect(TemporaryFolder.names(in: file("verified")) == names)
    var byteCount = 0
    for name in names {
      let bytes = try contents(of: file("verified").appending(name))
      #expect(try contents(of: file("plain").appending(name)) == bytes)
      byteCount += bytes.count
    }
    #expect(
      outcome.errors.filter { $0 != "," }.contains(
        "glance-convert: read back \(byteCount) bytes from the disk all as written\n"))
    let planned = try convert(input, "p.safetensors", "--layout", "bfl", "--verify", "--dry-run")
    #expect(planned.errors == "")
  }

  @Test func putsAnyPrefixBeforeNames() throws {
    try convert(input, "p.safetensors", "--layout", "bfl", "--prefix", "net.")
    #expect(try names("p.safetensors").allSatisfy { $0.hasPrefix("net.") })
    try convert(file("p.safetensors"), "n.safetensors", "--layout", "comfyui", "--prefix", "none")
    #expect(try names("n.safetensors").contains("img_in.weight"))
  }

  @Test func writesAFolderForDiffusersWithShards() throws {
    try convert(
      input, "transformer", "--layout", "diffusers", "--shard-size", "20kB", "--head-dim", "8")
    let source = try TensorSource(opening: file("transformer"))
    #expect(source.files.count > 3 && source.problems == [])
    let configuration = try JSONValue(
      parsing: Fixtures.text(file("transformer").appending("config.json")))
    #expect(configuration["_class_name"]?.string == "FluxTransformer2DModel")
    #expect(configuration["num_attention_heads"]?.integer == 4)
    try convert(file("transformer"), "again.safetensors", "--layout", "bfl")
    #expect(try names("again.safetensors").count == 84)
  }

  @Test(
    "stores elements as asked",
    arguments: [
      ("f32", "F32"), ("bf16", "BF16"), ("f16", "F16"), ("f8_e4m3", "F8_E4M3"),
      ("f8_e5m2", "F8_E5M2"),
    ])
  func dtypes(name: String, stored: String) throws {
    let outcome = try convert(input, "out.safetensors", "--dtype", name)
    let source = try TensorSource(opening: file("out.safetensors"))
    #expect(source.tensors.allSatisfy { $0.dtype.rawValue == stored })
    #expect(outcome.output.contains("(\(stored))"))
    let isCoarse = name.hasPrefix("f8")
    #expect(outcome.output.contains("stored in few bits: relative error") == isCoarse)
    #expect(outcome.errors.contains("--scaled keeps both") == isCoarse)
  }

  @Test func givesBlocksScaledCodesInBothForms() throws {
    let outcome = try convert(input, "new.safetensors", "--scaled", "--dtype", "f8_e5m2")
    #expect(outcome.output.contains("26 tensors stored in few bits: relative error"))
    let name = "double_blocks.0.img_mlp.0."
    #expect(try names("new.safetensors").contains(name + "weight_scale"))
    try convert(file("new.safetensors"), "old.safetensors", "--scaled", "--scaled-form", "1")
    #expect(try names("old.safetensors").contains("scaled_fp8"))
    #expect(try names("old.safetensors").contains(name + "scale_weight"))
    try convert(file("old.safetensors"), "again.safetensors", "--scaled")
    let weight = name + "weight"
    let codes = try ["new", "old", "again"].map {
      try TensorSource(opening: file($0 + ".safetensors")).tensor(named: weight).floats()
    }
    #expect(codes[0] == codes[1] && codes[0] == codes[2])
  }

  @Test(
    "writes ComfyUI's codes, says what they lose, and reads them back",
    arguments: [
      ("int8", "I8", "ComfyUI int8 (int8_tensorwise)"), ("nvfp4", "U8", "ComfyUI nvfp4"),
      ("mxfp8", "F8_E4M3", "ComfyUI mxfp8"),
    ])
  func encodings(form: String, dtype: String, title: String) throws {
    let outcome = try convert(input, "coded.safetensors", "--encoding", form)
    #expect(outcome.errors == "")
    #expect(
      outcome.output.contains(
        "26 tensors stored in few bits, without calibration: relative error "))
    #expect(outcome.output.contains("\(dtype) "))
    let inspected = try BuiltCommand("glance-inspect").run([file("coded.safetensors").string])
    #expect(inspected.status == 0 && inspected.output.contains(title), "\(inspected.output)")
    let json = try convert(input, "j.safetensors", "--encoding", form, "--json")
    let report = try JSONValue(parsing: json.output)
    let error = try #require(report["relative_error"]?.double)
    // Of normal numbers.
    #expect(error > (form == "nvfp4" ? 0.08 : 0.003) && error < (form == "nvfp4" ? 0.11 : 0.03))
    #expect(report["relative_errors"]?.array?.count == 26)
    try convert(file("coded.safetensors"), "back.safetensors", "--dtype", "bf16")
    let back = try TensorSource(opening: file("back.safetensors"))
    let own = try TensorSource(opening: input)
    #expect(back.tensors.map(\.name).sorted() == own.tensors.map(\.name).sorted())
    #expect(back.tensors.allSatisfy { $0.dtype == .bf16 })
    let mixed = try convert(
      file("coded.safetensors"), "mixed.safetensors", "--encoding", "\(form),img_mod=bf16",
      "--verbose", "--dry-run")
    #expect(mixed.output.contains("double_blocks.0.img_mod.lin.weight BF16 [192, 32] = "))
  }

  @Test func refusesEncodingsThatArent() throws {
    let outcome = try command.run([
      input.string, "--output", file("x.safetensors").string, "--encoding", "int4",
    ])
    #expect(outcome.status == 64)
    #expect(
      outcome.errors.contains(
        "--encoding: expected one of int8, mxfp8, nvfp4, fp8, bf16, found 'int4'"))
  }

  @Test func roundsAtRandomTheSameForASeed() throws {
    for (output, rounding) in [("a", "stochastic:7"), ("b", "stochastic:7"), ("c", "stochastic:8")]
    {
      try convert(
        input, output + ".safetensors", "--dtype", "f8_e4m3", "--rounding", rounding, "--threads",
        output == "a" ? "1" : "2")
    }
    let bytes = try ["a", "b", "c"].map { try contents(of: file($0 + ".safetensors")) }
    #expect(bytes[0] == bytes[1] && bytes[0] != bytes[2])
  }

  @Test("writes and reads GGUF", arguments: ["auto", "f32", "f16", "bf16", "q8_0", "q4_0"])
  func gguf(preset: String) throws {
    let outcome = try convert(input, "out.gguf", "--gguf", preset)
    #expect(outcome.output.contains("stored in few bits") == preset.hasPrefix("q"))
    try convert(file("out.gguf"), "back.safetensors", "--dtype", "bf16", "--layout", "diffusers")
    #expect(try names("back.safetensors").count == 112)
    if preset.hasPrefix("q") { #expect(outcome.output.contains("\(preset.uppercased()) ")) }
  }

  @Test func compressesAndRestoresTheSameFile() throws {
    let outcome = try convert(input, "small.safetensors", "--compress")
    let percent = try #require(
      outcome.output.split(separator: "(").last.flatMap { Double($0.split(separator: " ")[0]) })
    #expect(outcome.output.contains(", compressed to ") && percent > 50 && percent < 100)
    try convert(file("small.safetensors"), "back.safetensors")
    #expect(try contents(of: file("back.safetensors")) == contents(of: input))
  }

  @Test func storesAndRestoresADifference() throws {
    try convert(input, "tuned.safetensors", "--dtype", "f16")
    try convert(file("tuned.safetensors"), "tuned-bf16.safetensors", "--dtype", "bf16")
    try convert(
      file("tuned-bf16.safetensors"), "delta.safetensors", "--delta-from", input.string)
    try convert(file("delta.safetensors"), "back.safetensors")
    #expect(
      try contents(of: file("back.safetensors")) == contents(of: file("tuned-bf16.safetensors")))
    let elsewhere = try folder.makeFolder("elsewhere").appending("base.safetensors")
    try convert(input, "elsewhere/base.safetensors")
    folder.remove("dev.safetensors")
    let lost = try command.run([
      file("delta.safetensors").string, "--output", file("no.safetensors").string,
    ])
    #expect(lost.status == 66 && lost.errors.contains("dev.safetensors"), "\(lost.errors)")
    #expect(lost.errors.contains("--base"))
    try convert(
      file("delta.safetensors"), "again.safetensors", "--base", elsewhere.string)
    #expect(
      try contents(of: file("again.safetensors")) == contents(of: file("tuned-bf16.safetensors")))
    let wrong = try command.run([
      file("delta.safetensors").string, "--output", file("no.safetensors").string, "--base",
      file("tuned-bf16.safetensors").string,
    ])
    #expect(wrong.status == 65 && wrong.errors.contains("base"), "\(wrong.errors)")
    #expect(!folder.entries.contains("no.safetensors"))
  }

  /// An all-in-one file with parts of a VAE and a text encoder, and a tensor that nobody knows.
  private func bundle() throws -> FilePath {
    let own = try TensorSource(opening: input).tensors
    let others = ["vae.encoder.conv_in.weight", "text_encoders.clip_l.transformer.x", "__x0__"]
    try writeSafetensors(
      own.map { $0.named("model.diffusion_model." + $0.name) }
        + others.map { TensorView(name: $0, shape: [1], [1]) }, to: file("all.safetensors"),
      overwrite: true)
    return file("all.safetensors")
  }

  @Test func picksAComponent() throws {
    let bundle = try bundle()
    try convert(bundle, "t.safetensors", "--component", "transformer")
    #expect(try names("t.safetensors").count == 84)
    try convert(bundle, "vae.safetensors", "--component", "vae")
    #expect(try names("vae.safetensors").allSatisfy { $0.contains("encoder.conv_in.weight") })
    let outcome = try command.run([
      bundle.string, "--component", "scheduler", "--output", file("s.safetensors").string,
    ])
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("found transformer, vae, text_encoder"))
  }

  @Test func leavesOutKeepsOrRefusesWhatHasNoPlace() throws {
    let bundle = try bundle()
    let dropped = try convert(bundle, "drop.safetensors", "--layout", "diffusers")
    #expect(dropped.errors.contains("3 tensors without a place in the layout left out: "))
    #expect(dropped.errors.contains("__x0__"))
    #expect(dropped.errors.split(separator: "\n").count == 1)
    let kept = try convert(
      bundle, "keep.safetensors", "--layout", "diffusers", "--unknown", "keep")
    #expect(try names("keep.safetensors").count == 115)
    #expect(kept.errors.contains("carried along") && kept.errors.contains("'__x0__'"))
    let refused = try command.run([
      bundle.string, "--layout", "diffusers", "--unknown", "error", "--output",
      file("error.safetensors").string,
    ])
    #expect(refused.status == 65 && refused.errors.contains("3 tensors have no place"))
    #expect(!folder.entries.contains("error.safetensors"))
  }

  @Test func dryRunPrintsThePlanAndWritesNothing() throws {
    let before = folder.entries
    let outcome = try convert(input, "out", "--layout", "diffusers", "--dry-run", "--verbose")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines[0].hasPrefix("reads \(input): FLUX.1 dev class"))
    #expect(lines[0].hasSuffix("(BF16)") && lines[0].contains(", bfl layout, 84 tensors, "))
    #expect(lines[1].hasPrefix("writes \(file("out")): diffusers layout, 112 tensors, "))
    #expect(lines[2] == "tensors: 70 renamed, 40 split, 2 with halves exchanged")
    #expect(lines.count == 3 + 112)
    #expect(
      outcome.output.contains(
        "transformer_blocks.0.attn.to_k.weight BF16 [32, 32] = "
          + "double_blocks.0.img_attn.qkv.weight[32..<64]"))
    #expect(folder.entries == before)
    for options in [["--compress"], ["--scaled"], ["--dtype", "f16"]] {
      let outcome = try command.run(
        [input.string, "--output", file("out.safetensors").string, "--dry-run"] + options)
      #expect(outcome.status == 0)
      #expect(folder.entries == before)
    }
  }

  @Test func printsOneJSONObject() throws {
    let planned = try convert(
      input, "out.safetensors", "--layout", "diffusers", "--json", "--dry-run")
    let plan = try JSONValue(parsing: planned.output)
    #expect(plan["format"]?.string == "glance-convert/1")
    #expect(plan["layout"]?.string == "diffusers")
    #expect(plan["tensors"]?.integer == 112)
    #expect(plan["actions"]?["split"]?.integer == 40)
    #expect(plan["steps"]?.array?.count == 112)
    let outcome = try convert(
      input, "out.safetensors", "--dtype", "f8_e4m3", "--json", "--quiet")
    let result = try JSONValue(parsing: outcome.output)
    #expect(result["bytes"]?.integer == 84 * 0 + (try TensorSource(opening: input).byteCount) / 2)
    #expect(result["notes"]?.array?.count == 1)
    #expect(result["relative_errors"]?.array?.count == 84)
    #expect((result["relative_error"]?.double ?? 1) < 0.1)
    #expect(result["compressed_bytes"] == .null)
    let losses = try #require(result["losses"]?.array)
    #expect(losses.allSatisfy { ($0["became_zero"]?.integer ?? 0) > 0 })
    let packed = try JSONValue(
      parsing: try convert(input, "packed.safetensors", "--compress", "--json").output)
    #expect(
      packed["compressed_bytes"]?.integer == (try contents(of: file("packed.safetensors"))).count)
  }

  /// 70,000 overflows half precision; 1e-9 is too small for it.
  @Test func countsWhatOverflowsAndWhatBecomesZero() throws {
    let views = [
      TensorView(name: "a", shape: [4], [70_000, -1e30, 1, .infinity]),
      TensorView(name: "b", shape: [3], [1e-9, -1e-9, 0]),
    ]
    try writeSafetensors(views, to: file("in.safetensors"), overwrite: false)
    let outcome = try convert(file("in.safetensors"), "out.safetensors", "--dtype", "f16")
    #expect(outcome.errors.contains("2 of 7 numbers overflowed, in a\n"))
    #expect(outcome.errors.contains("2 of 7 numbers became zero, in b\n"))
  }

  @Test func convertsAdapters() throws {
    let place = Fixtures.folder.appending("convert").appending("cases")
    let kohya = place.appending("lora_flux_kohya_to_diffusers").appending("in").appending(
      "lora.safetensors")
    let outcome = try convert(kohya, "lora.safetensors", "--dialect", "diffusers")
    #expect(outcome.output.contains("diffusers dialect") && outcome.output.contains("scale 0.5"))
    #expect(try names("lora.safetensors").allSatisfy { $0.hasPrefix("transformer.") })
    let planned = try convert(
      kohya, "comfyui.safetensors", "--dialect", "comfyui", "--alpha", "tensor", "--json",
      "--dry-run")
    let object = try JSONValue(parsing: planned.output)
    #expect(object["format"]?.string == "glance-convert-adapter/1")
    #expect(object["dialect"]?.string == "comfyui")
    #expect(!folder.entries.contains("comfyui.safetensors"))
    let glance = place.appending("lora_glance_no_alpha_to_comfy").appending("in").appending(
      "pytorch_lora_weights.safetensors")
    let told = try convert(
      glance, "glance.safetensors", "--dialect", "comfyui", "--assume-alpha", "16", "--dtype",
      "bf16", "--partial")
    #expect(told.output.contains("scale 4"))
    // What is assumed has been said.
    #expect(!told.errors.contains("alpha"))
  }

  @Test func quietSaysOnlyWarnings() throws {
    let outcome = try convert(input, "a.safetensors", "--layout", "diffusers", "--quiet")
    #expect(outcome.errors == "")
  }
}
