import Adapters
import JSON
import Pictures
import SystemPackage
import Tensors
import TestSupport
import Testing

/// From two experts to a picture, with the commands as they are typed.
@Suite("What glance-merge --phase both makes", .serialized)
struct BothPhasesCommandTests {
  private let folder: TemporaryFolder
  private let both: String

  init() throws {
    folder = try TemporaryFolder()
    both = folder.path.appending("both").string
    let experts = try ["slow", "fast"].map { phase in
      var adapter = try Adapter(opening: Goldens.folder("flux").appending("\(phase).safetensors"))
      adapter.metadata = [
        ("glance.phase", phase), ("glance.sigmas", "1.0,0.9|0.5"), ("glance.image_size", "32x32"),
      ]
      let file = folder.path.appending("cat-\(phase).safetensors")
      try adapter.write(to: file)
      return file.string
    }
    let merged = try BuiltCommand("glance-merge").run(
      [Fixtures.model("tiny-flux").string] + experts + ["--phase", "both", "--output", both])
    #expect(merged.status == 0, "\(merged.errors)")
  }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func draw(_ name: String, _ more: [String]) throws -> BuiltCommand.Outcome {
    try BuiltCommand("glance-sample").run(
      ["--prompt", "a red star", "--size", "32x32", "--output", path(name)] + more)
  }

  private func settings(_ name: String) throws -> JSONValue {
    let texts = try PictureFile(opening: folder.path.appending(name)).texts
    return try JSONValue(parsing: texts.first { $0.key == "glance" }?.text ?? "")
  }

  @Test("is drawn in one run, which tells which transformer drew which steps")
  func drawn() throws {
    let planned = try draw("a.png", ["--model", both, "--dry-run"])
    #expect(planned.errors == "")
    #expect(
      planned.output.contains(
        """
        slow: 2 steps at sigma 1.0000, 0.9000; transformer slow (expert 'slow' baked in)
        fast: 1 step at sigma 0.5000; transformer fast (expert 'fast' baked in)
        cfg 1.0, guidance 3.5
        3 forward passes (NFE) a picture, 3 in all

        """), "\(planned.output)")
    let drawn = try draw("a.png", ["--model", both])
    #expect(drawn.status == 0, "\(drawn.errors)")
    let recorded: JSONValue = [
      ["file": "slow", "phase": "slow", "baked_phase": "slow", "steps": 2],
      ["file": "fast", "phase": "fast", "baked_phase": "fast", "steps": 1],
    ]
    let first = try settings("a.png")
    #expect(first["model"] == "both")
    #expect(first["transformer"] == .null)
    #expect(first["transformers"] == recorded)
    #expect(first["schedule"] == "1.0,0.9|0.5")
    let options = [
      "--model", Fixtures.model("tiny-flux").string, "--transformer",
      "slow=\(both)/slow/transformer", "--transformer", "fast=\(both)/fast/transformer",
    ]
    let json = try JSONValue(parsing: draw("b.png", options + ["--json"]).output)
    #expect(
      json["transformers"] == [
        ["file": "slow/transformer", "phase": "slow", "baked_phase": "slow", "steps": 2],
        ["file": "fast/transformer", "phase": "fast", "baked_phase": "fast", "steps": 1],
      ])
    #expect(
      try Picture(reading: folder.path.appending("a.png"))
        == Picture(reading: folder.path.appending("b.png")))
  }

  @Test("is drawn by one expert with a warning, and named when a file is")
  func alone() throws {
    let outcome = try draw("a.png", ["--model", both + "/fast", "--dry-run"])
    #expect(outcome.status == 0)
    #expect(
      outcome.errors
        == "glance-sample: warning: \(both)/fast: the expert for phase 'fast' is baked in, and it "
        + "takes the steps of 'slow' too, for which it wasn't made; --model \(both) draws with both\n"
    )
    #expect(
      outcome.output.contains(
        "slow: 2 steps at sigma 1.0000, 0.9000; own transformer (expert 'fast' baked in)\n"))
    let json = try JSONValue(
      parsing: draw(
        "a.png",
        [
          "--model", Fixtures.model("tiny-flux").string, "--transformer", both + "/fast", "--json",
          "--dry-run",
        ]
      ).output)
    #expect(json["transformer"] == "fast")
    #expect(
      json["transformers"] == [
        ["file": "fast", "phase": .null, "baked_phase": "fast", "steps": 3]
      ])
    let nameless = try draw(
      "a.png", ["--model", Fixtures.model("tiny-flux").string, "--transformer", "slow="])
    #expect(nameless.status == 64)
    #expect(nameless.errors == "glance-sample: 'slow=' names no file; expected [phase=]file\n")
  }

  @Test("is explained on one screen")
  func explained() throws {
    let run = try BuiltCommand("glance-inspect").run([both])
    #expect(run.status == 0)
    #expect(run.errors == "")
    let lines = run.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 9)
    #expect(lines.prefix(2) == ["\(both)", "  2 baked experts for FLUX.1: slow and fast"])
    #expect(
      lines[2].hasPrefix("  slow        pipeline FluxPipeline, 4.")
        && lines[2].hasSuffix(" MB, with cat-slow.safetensors x1"), "\(lines[2])")
    #expect(
      lines[4].hasPrefix(
        "  shared      scheduler, text_encoder, text_encoder_2, tokenizer, tokenizer_2, vae, 2."))
    #expect(lines[4].hasSuffix(" MB of the transformers' 2.7 MB"))
    #expect(
      lines[5]
        == "  baked into  tiny-flux (140 tensors, 2695680 bytes, xxh3 66fea43dce6bd811)")
    #expect(lines[6] == "  schedule    1.0,0.9|0.5")
    #expect(lines[7] == "  made for    32x32")
    #expect(lines[8].hasPrefix("  in all      4.2 million parameters, 4."))
    let part = try BuiltCommand("glance-inspect").run([both + "/slow/transformer"])
    #expect(part.output.contains("), with the expert for phase slow baked in\n"))
    #expect(part.output.contains("\n  schedule    1.0,0.9|0.5\n"))
    let different = try BuiltCommand("glance-inspect").run([both, "--diff", both])
    #expect(different.status == 65)
    #expect(
      different.errors == "glance-inspect: \(both): a baked expert for each phase; compare one, "
        + "such as \(both)/slow\n")
  }

  @Test("is no one checkpoint: other commands are given one of the two")
  func named() throws {
    let adapter = path("cat-slow.safetensors")
    let advice = "in it; name one, such as \(both)/fast\n"
    let merge = try BuiltCommand("glance-merge").run([both, adapter, "--output", path("x")])
    #expect(merge.status == 66)
    #expect(merge.errors == "glance-merge: \(both): no checkpoint itself, but fast, slow \(advice)")
    let convert = try BuiltCommand("glance-convert").run([
      both, "--dtype", "f16", "--output", path("x.safetensors"),
    ])
    #expect(
      convert.errors == "glance-convert: \(both): no checkpoint itself, but fast, slow \(advice)")
    let train = try BuiltCommand("glance-train-lora").run([
      "--model", both, "--image", Fixtures.model("sample").appending("00.png").string, "--caption",
      "x", "--output", path("out"), "--name", "x",
    ])
    #expect(train.status == 66)
    #expect(
      train.errors == "glance-train-lora: \(both): no pipeline itself, but fast, slow \(advice)")
    let against = try BuiltCommand("glance-inspect").run([adapter, "--against", both])
    #expect(
      against.errors == "glance-inspect: \(both): a baked expert for each phase; compare one, such "
        + "as \(both)/slow\n")
  }

  @Test("is explained to programs, and what is missing too")
  func explainedToPrograms() throws {
    let found = try JSONValue(
      parsing: BuiltCommand("glance-inspect").run(["--json", both]).output)
    #expect(found["kind"] == "baked-experts")
    #expect(found["family"] == "flux1")
    #expect(found["schedule"] == "1.0,0.9|0.5")
    #expect(
      found["shared_components"]
        == ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae"])
    #expect(found["problems"] == [])
    let experts = found["experts"]?.array ?? []
    #expect(experts.map { $0["phase"]?.string } == ["slow", "fast"])
    #expect(experts.map { $0["path"]?.string } == [both + "/slow", both + "/fast"])
    #expect(experts.map { $0["kind"]?.string } == ["pipeline", "pipeline"])
    #expect(experts.map { $0["base"]?.string } == ["tiny-flux", "tiny-flux"])
    #expect(
      experts.map { $0["adapters"] } == [
        [["file": "cat-slow.safetensors", "strength": 1.0]],
        [["file": "cat-fast.safetensors", "strength": 1.0]],
      ])
    let transformers = experts.map { $0["components"]?["transformer"] }
    #expect(transformers.map { $0?["phase"]?.string } == ["slow", "fast"])
    // Each file once: a whole expert, and of the other what it does not share.
    let bytes = experts[0]["bytes"]?.integer ?? 0
    let shared = found["shared_transformer_bytes"]?.integer ?? 0
    #expect(found["bytes"]?.integer == bytes + 2_695_680 - shared)
    #expect(shared > 2_000_000 && shared < 2_695_680)
    folder.remove("both/fast")
    let check = try BuiltCommand("glance-inspect").run(["--check", both])
    #expect(check.status == 65)
    #expect(check.errors == "glance-inspect: \(both): no expert for phase 'fast'\n")
  }
}
