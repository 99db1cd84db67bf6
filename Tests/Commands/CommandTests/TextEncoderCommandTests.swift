import Adapters
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Adapters of text encoders, for people")
struct TextEncoderCommandTests {
  private let folder: TemporaryFolder
  private let model = Fixtures.model("tiny-flux")
  /// LoKr and DoRA of CLIP, a LoHa of T5.
  private let methods = Fixtures.folder.appending("methods/encoders.safetensors")
  private let clip = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String, _ tensors: [(String, [Int])]) throws -> FilePath {
    let path = folder.path.appending(name)
    try writeSafetensors(
      tensors.map { name, shape in
        let count = shape.reduce(1, *)
        return TensorView(
          name: name, shape: shape, (0..<count).map { Float($0 % 7 + 1) / 64 })
      }, to: path, overwrite: true)
    return path
  }

  private func lora(_ stem: String, rows: Int, columns: Int) -> [(String, [Int])] {
    [("\(stem).lora_down.weight", [2, columns]), ("\(stem).lora_up.weight", [rows, 2])]
  }

  @Test("are described by component")
  func described() throws {
    let inspect = BuiltCommand("glance-inspect")
    let run = try inspect.run([methods.string])
    #expect(run.status == 0)
    #expect(run.output.contains("text_encoder    2 modules, rank 2, 3, scale"), "\(run.output)")
    #expect(run.output.contains("text_encoder_2  1 module, rank"), "\(run.output)")
    #expect(!run.output.contains("keys of text encoders"), "\(run.output)")
    let json = try JSONValue(parsing: try inspect.run([methods.string, "--json"]).output)
    let report = json["reports"]?.array?.first ?? json
    #expect(report["text_encoders"]?["text_encoder"]?["modules"]?.integer == 2)
    #expect(report["text_encoders"]?["text_encoder_2"]?["modules"]?.integer == 1)
    #expect(report["modules"]?.integer == 0)
  }

  @Test("fail a check where they are damaged")
  func checked() throws {
    let inspect = BuiltCommand("glance-inspect")
    let half = try file("half.safetensors", [("\(clip).lora_down.weight", [2, 64])])
    let run = try inspect.run(["--check", half.string])
    #expect(run.status == 65)
    #expect(
      run.errors.contains("text encoders: '\(clip)' has no up factor (B)"), "\(run.errors)")
    #expect(try inspect.run(["--check", methods.string]).status == 0)
  }

  @Test("are held against a pipeline's text encoders")
  func against() throws {
    let inspect = BuiltCommand("glance-inspect")
    let good = try inspect.run([methods.string, "--against", model.string])
    #expect(good.status == 0, "\(good.output)\(good.errors)")
    #expect(good.output.contains("2 of 2 fit"), "\(good.output)")
    let narrow = try file("narrow.safetensors", lora(clip, rows: 64, columns: 63))
    let run = try inspect.run([narrow.string, "--against", model.string])
    #expect(run.status == 65)
    #expect(
      run.output.contains(
        "text_model.encoder.layers.0.self_attn.q_proj [64, 63], expected [64, 64]"),
      "\(run.output)")
    let lone = try inspect.run([
      methods.string, "--against", model.appending("transformer").string,
    ])
    #expect(lone.status == 65)
    #expect(
      lone.output.contains("not looked at: the base is no pipeline's folder with it"),
      "\(lone.output)")
  }

  @Test("differ where their text encoders' changes do")
  func differences() throws {
    let inspect = BuiltCommand("glance-inspect")
    let single = "lora_unet_single_blocks_0_linear2"
    let shared = lora(single, rows: 96, columns: 480)
    let pair = lora(clip, rows: 64, columns: 64)
    let (a, b) = (
      try file("a.safetensors", shared + pair),
      // An alpha of 1/64 at rank 2.
      try file("b.safetensors", shared + pair + [("\(clip).alpha", [])])
    )
    let run = try inspect.run([a.string, "--diff", b.string])
    #expect(run.output.contains("identical  no"), "\(run.output)\(run.errors)")
    #expect(
      run.output.contains("text_encoder.text_model.encoder.layers.0.self_attn.q_proj"),
      "\(run.output)")
    let compared = try BuiltCommand("glance-merge").run([a.string, b.string, "--mode", "compare"])
    #expect(compared.status == 0, "\(compared.errors)")
    #expect(!compared.output.contains("the same adapter"), "\(compared.output)")
    let same = try BuiltCommand("glance-merge").run([a.string, a.string, "--mode", "compare"])
    #expect(same.output.contains("the same adapter"), "\(same.output)")
    let biases = Fixtures.folder.appending("methods/peft-bias.safetensors")
    let refused = try inspect.run([biases.string, "--diff", biases.string])
    #expect(refused.status == 65)
    #expect(
      refused.errors.contains("no low-rank change, and these alone are compared"),
      "\(refused.errors)")
  }

  @Test("of two pipelines are not what is compared, which is said")
  func pipelines() throws {
    let run = try BuiltCommand("glance-inspect").run([model.string, "--diff", model.string])
    #expect(run.status == 0)
    #expect(
      run.output.contains(
        "note: of pipelines the transformers alone are compared; the other components are folders of their"
      ),
      "\(run.output)")
  }

  @Test("have strengths of their own by the component's name")
  func strengths() throws {
    let merge = BuiltCommand("glance-merge")
    let run = try merge.run([
      model.string, "\(methods.string):1,text_encoder=0", "--output",
      folder.path.appending("out").string,
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("text_encoder_2.encoder.block.1.layer.0.SelfAttention.v"))
    #expect(!run.output.contains("text_encoder.text_model"), "\(run.output)")
  }

  @Test("are refused by drawing for what is wrong with them")
  func drawing() throws {
    let sample = BuiltCommand("glance-sample")
    let half = try file("half.safetensors", [("\(clip).lokr_w1", [4, 4])])
    let run = try sample.run([
      "--model", model.string, "--prompt", "x", "--adapter", half.string, "--dry-run",
    ])
    #expect(run.status == 65)
    #expect(run.errors.contains("'\(clip)' (LoKr): there is no lokr_w2_a"), "\(run.errors)")
  }

  @Test("of the phases of one folder are told apart, since texts are encoded once")
  func phases() throws {
    let merge = BuiltCommand("glance-merge")
    let single = lora("lora_unet_single_blocks_0_linear2", rows: 96, columns: 480)
    let slow = try file("slow.safetensors", single + lora(clip, rows: 64, columns: 64))
    let fast = try file("fast.safetensors", single)
    let both = folder.path.appending("both").string
    let merged = try merge.run([
      model.string, "slow=\(slow)", "fast=\(fast)", "--phase", "both", "--output", both,
    ])
    #expect(merged.status == 0, "\(merged.errors)")
    let run = try BuiltCommand("glance-sample").run([
      "--model", both, "--prompt", "x", "--schedule", "glance-1+1", "--dry-run",
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.errors.contains(
        "its phases have a text_encoder each, and texts are encoded once for all steps: by that of 'slow'"
      ),
      "\(run.errors)")
    #expect(!run.errors.contains("text_encoder_2"), "\(run.errors)")
    // What is done alike for both phases is no matter.
    let alike = folder.path.appending("alike").string
    let style = try file("style.safetensors", lora(clip, rows: 64, columns: 64))
    let again = try merge.run([
      model.string, "slow=\(fast)", "fast=\(fast)", style.string, "--phase", "both", "--output",
      alike,
    ])
    #expect(again.status == 0, "\(again.errors)")
    let quiet = try BuiltCommand("glance-sample").run([
      "--model", alike, "--prompt", "x", "--schedule", "glance-1+1", "--dry-run",
    ])
    #expect(quiet.status == 0 && !quiet.errors.contains("text_encoder"), "\(quiet.errors)")
  }
}
