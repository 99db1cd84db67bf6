import Elements
import JSON
import Pictures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What glance-sample says of its runs: text, JSON, pictures and latents.
@Suite("glance-sample says", .serialized)
struct DrawnSettingsTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-sample")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func draw(
    _ name: String, _ more: [String], prompts: [String] = ["a red star"],
    schedule: String = "slow=1|fast=0.5"
  ) throws -> BuiltCommand.Outcome {
    try command.run(
      [
        "--model", Fixtures.model("tiny-flux").string, "--size", "32x32", "--output", path(name),
        "--schedule", schedule,
      ] + prompts.flatMap { ["--prompt", $0] } + more)
  }

  private func settings(_ name: String) throws -> JSONValue {
    let texts = try PictureFile(opening: folder.path.appending(name)).texts
    return try JSONValue(parsing: texts.first { $0.key == "glance" }?.text ?? "")
  }

  /// An adapter file of one module that changes nothing, for a phase.
  private func adapter(_ phase: String, titled title: String? = nil) throws -> String {
    let file = folder.path.appending("\(phase).safetensors")
    let module = "transformer.single_transformer_blocks.0.attn.to_q"
    let writer = try SafetensorsWriter(
      creating: file,
      tensors: [
        TensorDescription(name: module + ".lora_A.weight", dtype: .f32, shape: [1, 96]),
        TensorDescription(name: module + ".lora_B.weight", dtype: .f32, shape: [96, 1]),
      ], metadata: [("glance.phase", phase)] + (title.map { [("modelspec.title", $0)] } ?? []),
      overwrite: title != nil)
    let zeros = [Float](repeating: 0, count: 96)
    for index in 0..<2 { try writer.write(unsafe zeros.span.bytes, tensor: index) }
    try writer.commit()
    return file.string
  }

  @Test("which adapter served which phase at which strength, in text, JSON and picture")
  func adapters() throws {
    let (slow, fast) = (try adapter("slow"), try adapter("fast"))
    let options = ["--adapter", slow + ":1.5", "--adapter", fast]
    let planned = try draw("a.png", options + ["--dry-run"])
    #expect(planned.status == 0, "\(planned.errors)")
    #expect(
      planned.output.contains(
        """
        slow: 1 step at sigma 1.0000; slow.safetensors x1.5
        fast: 1 step at sigma 0.5000; fast.safetensors x1
        cfg 1.0, guidance 3.5

        """), "\(planned.output)")
    let drawn = try draw("a.png", options)
    #expect(drawn.output.contains("slow: 1 step at sigma 1.0000; slow.safetensors x1.5\n"))
    let digests = try BuiltCommand("glance-sample").shell(
      "sha256sum '\(slow)' '\(fast)' | cut -d ' ' -f 1"
    ).output.split(separator: "\n").map { JSONValue.string(String($0)) }
    let recorded: JSONValue = [
      ["file": "slow.safetensors", "sha256": digests[0], "strength": 1.5, "phase": "slow"],
      ["file": "fast.safetensors", "sha256": digests[1], "strength": 1.0, "phase": "fast"],
    ]
    #expect(try settings("a.png")["adapters"] == recorded)
    let json = try JSONValue(parsing: draw("b.png", options + ["--json"]).output)
    #expect(json["adapters"] == recorded)
    let idle = try draw(
      "c.png", ["--adapter", slow + ":1.5", "--json", "--assume-alpha", "1"],
      schedule: "teacher:2")
    #expect(try JSONValue(parsing: idle.output)["adapters"] == [])
    #expect(try settings("c.png")["adapters"] == [])
    #expect(
      idle.errors == "glance-sample: warning: \(slow): its phase 'slow' has no step in this "
        + "schedule (single): it is not used\n")
  }

  @Test("of a picture that is drawn again, which file is another and which phase a schedule lacks")
  func again() throws {
    let slow = try adapter("slow")
    #expect(try draw("a.png", ["--adapter", slow]).status == 0)
    let model = ["--model", Fixtures.model("tiny-flux").string, "--from", path("a.png")]
    let other = try command.run(model + ["--schedule", "teacher:2", "--output", path("b.png")])
    #expect(other.status == 0)
    #expect(
      other.errors.hasPrefix(
        "glance-sample: warning: \(slow): its phase 'slow' has no step in this schedule (single): it is "
          + "not used\n"), "\(other.errors)")
    // The same tensors; what the file says of itself differs.
    _ = try adapter("slow", titled: "another")
    let changed = try command.run(model + ["--output", path("c.png")])
    #expect(changed.status == 0)
    #expect(
      changed.errors.hasPrefix(
        "glance-sample: warning: \(path("a.png")): \(slow) is not what it was drawn with: another picture "
          + "comes out\n"))
  }

  @Test("that a phase is misspelt, before it draws")
  func misspelt() throws {
    let slow = try adapter("slow")
    let outcome = try draw("a.png", ["--adapter", "slwo=" + slow])
    #expect(outcome.status == 64)
    #expect(
      outcome.errors == "glance-sample: --adapter slwo=\(slow): expected a phase of this schedule "
        + "(slow, fast), found 'slwo'\n")
    #expect(folder.entries == ["slow.safetensors"])
  }

  @Test("its plan as one JSON object")
  func plan() throws {
    let outcome = try draw(
      "a.png", ["--dry-run", "--json", "--count", "2", "--seed", "7"], prompts: ["a", "b"])
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    let plan = try JSONValue(parsing: outcome.output)
    #expect(plan["dry_run"] == true)
    #expect(plan["format"] == "glance-sample/1")
    #expect(plan["passes"] == 2)
    #expect(
      plan["pictures"]
        == .array(
          [("001", "a", "7"), ("002", "a", "8"), ("003", "b", "7"), ("004", "b", "8")].map {
            [
              "file": .string(path("a-\($0.0).png")), "prompt": .string($0.1),
              "seed": .string($0.2),
            ]
          }))
    #expect(folder.entries == [])
  }

  @Test("what saved latents are, draws a file of several to numbered pictures, and warns of it")
  func latents() throws {
    let saved = path("saved.safetensors")
    let first = try draw(
      "a.png", ["--save-latents", saved, "--count", "2", "--seed", "3"], prompts: ["a", "b"])
    #expect(first.status == 0, "\(first.errors)")
    let file = try SafetensorsFile(opening: FilePath(saved))
    #expect(try file.tensor(named: "latents").shape == [4, 16, 4, 4])
    #expect(file.metadata["glance.latents"] == "finished")
    let settings = try JSONValue(
      parsing: file.metadata["glance.settings"] ?? "")
    #expect(settings["size"] == "32x32")
    #expect(settings["schedule"] == "1.0|0.5")
    #expect(
      settings["pictures"] == [
        ["prompt": "a", "seed": "3"], ["prompt": "a", "seed": "4"],
        ["prompt": "b", "seed": "3"], ["prompt": "b", "seed": "4"],
      ])
    let second = try draw("p.png", ["--latents", saved])
    #expect(second.status == 0, "\(second.errors)")
    #expect(
      second.errors == "glance-sample: warning: \(saved): finished latents, as --save-latents "
        + "writes them; --latents takes noise to start from, so that other pictures come out\n")
    #expect(
      folder.entries.filter { $0.hasPrefix("p") }
        == ["p-001.png", "p-002.png", "p-003.png", "p-004.png"])
    #expect(second.output.contains("8 forward passes (NFE)"))
  }

  @Test("that a folder isn't there, before it draws")
  func missingFolder() throws {
    let message = "cannot create: there is no folder '\(path("none"))'; make it first\n"
    let picture = try draw("none/a.png", [])
    #expect(picture.status == 73)
    #expect(picture.errors == "glance-sample: \(path("none/a.png")): \(message)")
    let latents = try draw("a.png", ["--save-latents", path("none/l.safetensors")])
    #expect(latents.status == 73)
    #expect(latents.errors == "glance-sample: \(path("none/l.safetensors")): \(message)")
    #expect(folder.entries == [])
  }

  @Test("that states and texts of prompts exclude each other")
  func prompts() throws {
    let outcome = try draw("a.png", ["--embeddings", "x.safetensors"])
    #expect(outcome.status == 64)
    #expect(
      outcome.errors.contains(
        "--embeddings stands for prompts: give it, or --prompt, --prompts and --from."))
  }
}
