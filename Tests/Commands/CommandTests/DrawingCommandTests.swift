import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("glance-sample and glance-merge", .serialized)
struct DrawingCommandTests {
  private let folder: TemporaryFolder
  private let sample = BuiltCommand("glance-sample")
  private let merge = BuiltCommand("glance-merge")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func draw(
    _ name: String, model: String = "tiny-flux", _ more: String...
  ) throws -> BuiltCommand.Outcome {
    try sample.run(
      [
        "--model", Fixtures.model(model).string, "--size", "96x96", "--prompt", "a red star",
        "--output", path(name),
      ] + more)
  }

  private func experts() throws -> (slow: String, fast: String) {
    let outcome = try BuiltCommand("glance-train-lora").run([
      "--model", Fixtures.model("tiny-flux").string,
      "--image", Fixtures.model("sample").appending("00.png").string, "--caption", "a circle",
      "--steps", "5", "--output", path("experts"), "--name", "x",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return (path("experts/x-slow.safetensors"), path("experts/x-fast.safetensors"))
  }

  @Test("draws the same bytes for any number of threads, with its settings inside")
  func threads() throws {
    for threads in ["1", "2"] {
      let outcome = try draw(
        "\(threads).png", "--schedule", "glance-5+5", "--threads", threads, "--seed", "3")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("10 forward passes (NFE)"))
    }
    let file = folder.path.appending("1.png")
    #expect(try contents(of: file) == contents(of: folder.path.appending("2.png")))
    let texts = try PictureFile(opening: file).texts
    let settings = try JSONValue(parsing: texts.first { $0.key == "glance" }?.text ?? "")
    #expect(settings["prompt"] == "a red star")
    #expect(settings["seed"] == "3")
    #expect(settings["passes"] == 10)
  }

  @Test("draws the same from two files and from their bundle, which splits into the same bytes")
  func bundles() throws {
    let (slow, fast) = try experts()
    let bundle = path("b.safetensors")
    #expect(
      try merge.run(["--mode", "bundle", slow, fast, "--output", bundle]).status == 0)
    #expect(try merge.run(["--mode", "split", bundle, "--output", path("split")]).status == 0)
    #expect(
      try contents(of: folder.path.appending("split/b-slow.safetensors"))
        == contents(of: FilePath(slow)))
    #expect(try draw("two.png", "--adapter", fast, "--adapter", slow).status == 0)
    #expect(try draw("one.png", "--adapter", bundle).status == 0)
    #expect(try draw("none.png", "--schedule", "glance-5+5").status == 0)
    func picture(_ name: String) throws -> Picture {
      try Picture(reading: folder.path.appending(name))
    }
    #expect(try picture("two.png") == picture("one.png"))
    #expect(try picture("two.png") != picture("none.png"))
  }

  @Test func guidanceDoublesThePasses() throws {
    let guided = try draw("a.png", model: "tiny-qwen-image", "--schedule", "teacher:4")
    #expect(guided.output.contains("8 forward passes (NFE)"))
    let plain = try draw("b.png", model: "tiny-qwen-image", "--schedule", "lightning-4")
    #expect(plain.output.contains("4 forward passes (NFE)"), "\(plain.output)")
  }

  @Test func wrongOptionsAreRefused() throws {
    #expect(try draw("a.png", "--schedule", "glance-9").status == 64)
    #expect(try draw("a.png", "--compat", "reference").status == 64)
    #expect(try draw("a.png", "--size", "100x96").status == 64)
    #expect(try draw("a.png", "--adapter", "/nowhere.safetensors").status == 66)
    #expect(folder.entries == [])
    #expect(try draw("a.png", "--schedule", "teacher:2").status == 0)
    #expect(try draw("a.png", "--schedule", "teacher:2").status == 73)
  }

  @Test("bakes each phase into a pipeline that draws as base and adapter do")
  func baking() throws {
    let (slow, fast) = try experts()
    let outcome = try merge.run([
      Fixtures.model("tiny-flux").string, slow, fast, "--phase", "both", "--output", path("baked"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("cosine"))
    let baked = try sample.run([
      "--model", path("baked/slow"), "--size", "96x96", "--prompt", "a red star",
      "--schedule", "1,0.9", "--output", path("baked.png"),
    ])
    #expect(baked.status == 0, "\(baked.errors)")
    #expect(try draw("live.png", "--schedule", "1,0.9", "--adapter", "single=" + slow).status == 0)
    let left = try Picture(reading: folder.path.appending("baked.png")).pixels
    let right = try Picture(reading: folder.path.appending("live.png")).pixels
    // bfloat16 weights differ by 2^-9 of their size: a few levels of 255 at most.
    let largest = zip(left, right).map { abs(Int($0) - Int($1)) }.max() ?? 255
    #expect(largest <= 8, "\(largest)")
  }

  @Test("may replace the adapter or base that it reads, only when asked")
  func overInput() throws {
    let base = folder.path.appending("base.safetensors")
    let source = Fixtures.model("tiny-flux").appending(
      "transformer/diffusion_pytorch_model.safetensors")
    let (slow, _) = try experts()
    let line = "cp '\(source)' '\(base)' && $COMMAND '\(base)' '\(slow)' --output '\(base)'"
    #expect(try merge.shell(line).status == 73)
    #expect(try contents(of: base) == contents(of: source))
    #expect(try merge.shell(line + " --force").status == 0)
    // A merge names its base, so the other one has the same name.
    let other = try TemporaryFolder()
    let twin = other.path.appending("base.safetensors")
    let merged = folder.path.appending("other.safetensors")
    let again = "cp '\(source)' '\(twin)' && $COMMAND '\(twin)' '\(slow)' --output '\(merged)'"
    #expect(try merge.shell(again).status == 0)
    #expect(try contents(of: base) == contents(of: merged))
  }
}
