import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("What glance-inspect answers")
struct InspectAnswersTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-inspect")
  private let transformer = Fixtures.model("tiny-flux").appending("transformer")
  private let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors").string
  private let zero = Fixtures.folder.appending("reports")
    .appending("adapter_that_changes_nothing").appending("lora.safetensors").string

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  /// A checkpoint that lacks its last tensor; answers the tensor's name.
  private func writeIncomplete(_ name: String) throws -> String {
    let tensors = try SafetensorsFile(
      opening: transformer.appending("diffusion_pytorch_model.safetensors")
    ).tensors
    try writeSafetensors(
      Array(tensors.dropLast()), to: folder.path.appending(name), overwrite: false)
    return tensors.last?.name ?? ""
  }

  private func writeNumbers(_ numbers: [Float], _ name: String) throws {
    try writeSafetensors(
      [
        TensorView(name: "sound", shape: [2], [1, 2]),
        TensorView(name: "w", shape: [numbers.count], numbers),
      ], to: folder.path.appending(name), overwrite: false)
  }

  // MARK: What isn't known

  @Test func namesOfNoKnownModelAreListedByWhatTheyBeginWith() throws {
    func inspect(_ names: [String]) throws -> (text: String, json: JSONValue) {
      try writeSafetensors(
        names.map { TensorView(name: $0, shape: [1], [1]) },
        to: folder.path.appending("x.safetensors"), overwrite: true)
      let text = try command.run([path("x.safetensors")]).output
      return (text, try JSONValue(parsing: command.run([path("x.safetensors"), "--json"]).output))
    }
    let (text, json) = try inspect([
      "net.down.0.weight", "net.down.1.weight", "net.head", "net.up.0.weight", "net.down.2.weight",
    ])
    #expect(text.contains("  names       net.down. (3), net.head (1), net.up. (1)\n"), "\(text)")
    #expect(json["names_begin"] == ["net.down.": 3, "net.head": 1, "net.up.": 1])
    let many = try inspect((0..<12).map { "b\($0).weight" } + ["b11.bias", "b9.bias"])
    #expect(
      many.text.contains(
        "  names       b9. (2), b11. (2), b0. (1), b1. (1), b2. (1), b3. (1), b4. (1), b5. (1), 4 more\n"
      ),
      "\(many.text)")
    // What is known has another description.
    let known = try JSONValue(parsing: command.run([transformer.string, "--json"]).output)
    #expect(known["kind"] == "checkpoint" && known["names_begin"] == nil)
  }

  // MARK: Statuses

  @Test func problemsAreExplainedAndAreNoFailure() throws {
    let missing = try writeIncomplete("a.safetensors")
    let run = try command.run([path("a.safetensors")])
    #expect(run.status == 0)
    #expect(run.output.contains("error: tensor '\(missing)'"), "\(run.output)")
    let check = try command.run(["--check", path("a.safetensors")])
    #expect(check.status == 65 && check.output == "")
    let diff = try command.run([path("a.safetensors"), "--diff", transformer.string])
    #expect(diff.status == 0)
  }

  @Test func aLoaderThatAppliesLessThanAllEndsWith65() throws {
    let whole = try command.run([adapter, "--as", "comfyui"])
    #expect(whole.status == 0 && whole.output.contains("20 of 20"))
    for options in [[], ["--json"]] {
      let none = try command.run([adapter, "--as", "kohya"] + options)
      #expect(none.status == 65 && none.errors == "", "\(none.errors)")
    }
  }

  // MARK: For programs

  @Test func aPathThatCannotBeReadIsAnObject() throws {
    try folder.write(Array("<html>".utf8), to: "page.safetensors")
    let one = try command.run(["--json", path("page.safetensors")])
    #expect(one.status == 65)
    let object = try JSONValue(parsing: one.output)
    #expect(object["version"] == 1 && object["kind"] == "unknown")
    #expect(object["path"]?.string == path("page.safetensors"))
    let problem = object["problems"]?.array?.first
    #expect(problem?["severity"] == "error")
    #expect(problem?["text"]?.string?.contains("a web page, not a checkpoint") == true)
    let several = try command.run(
      ["--json", "/nowhere/x.safetensors", adapter, path("page.safetensors")])
    #expect(several.status == 66)
    let reports = try JSONValue(parsing: several.output)["reports"]?.array ?? []
    #expect(reports.compactMap { $0["kind"]?.string } == ["unknown", "lora", "unknown"])
    #expect(reports.first?["path"] == "/nowhere/x.safetensors")
  }

  // MARK: Numbers

  @Test func numbersThatAreNotFiniteAreProblems() throws {
    try writeNumbers([1, .nan, .infinity, -.infinity], "bad.safetensors")
    let said = "tensor 'w' holds 1 NaN and 2 infinities of 4 numbers"
    let check = try command.run(["--check", "--stats", path("bad.safetensors")])
    #expect(check.status == 65 && check.output == "")
    #expect(check.errors == "glance-inspect: \(path("bad.safetensors")): \(said)\n")
    let stats = try command.run(["--stats", path("bad.safetensors")])
    #expect(stats.status == 0 && stats.output.contains("error: \(said)"), "\(stats.output)")
    let json = try JSONValue(
      parsing: command.run(["--check", "--stats", "--json", path("bad.safetensors")]).output)
    #expect(
      json["problems"]?.array?.contains { $0["text"]?.string == said && $0["severity"] == "error" }
        == true)
    let headers = try command.run(["--check", path("bad.safetensors")])
    #expect(headers.status == 0)
    #expect(headers.output == "\(path("bad.safetensors")): headers are sound\n")
    let others = try command.run(
      ["--check", "--stats", "--tensors", "s*", path("bad.safetensors")])
    #expect(
      others.output
        == "\(path("bad.safetensors")): headers are sound, no NaN or infinity in 1 tensor\n")
  }

  @Test func anAdapterOfZerosIsNamed() throws {
    let run = try command.run(["--stats", zero])
    #expect(run.status == 0)
    let text = run.output.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
      .joined(separator: " ")
    #expect(
      text.contains(
        "warning: every module's alpha or one of its factors is zero: the adapter changes nothing"),
      "\(run.output)")
    let diff = try command.run([zero, "--diff", zero])
    #expect(diff.output.contains("identical  yes: neither changes anything"), "\(diff.output)")
  }

  // MARK: Patterns

  @Test func aPathBehindTensorsIsThePath() throws {
    let expected = try command.run([transformer.string, "--tensors"])
    #expect(expected.output.hasSuffix("  140 tensors\n"))
    let run = try command.run(["--tensors", transformer.string])
    #expect(run.status == 0 && run.output == expected.output, "\(run.errors)")
    let two = try command.run(["--json", "--tensors", transformer.string, adapter])
    let reports = try JSONValue(parsing: two.output)["reports"]?.array ?? []
    #expect(reports.compactMap { $0["tensor_list"]?.array?.count } == [140, 40])
    let absent = try command.run(["--tensors", "/nowhere/x.safetensors"])
    #expect(absent.status == 66 && absent.errors.contains("/nowhere/x.safetensors: cannot open"))
    let pattern = try command.run(["--tensors", "x_embedder.*", transformer.string])
    #expect(pattern.output.hasSuffix("  2 tensors\n"))
  }

  // MARK: Answers

  @Test("stand alone, and first with --verbose", arguments: ["--as", "--against", "--diff"])
  func answersFirst(option: String) throws {
    let value = ["--as": "comfyui", "--against": transformer.string][option] ?? adapter
    let title = ["--as": "loaded by ComfyUI", "--against": "against "][option] ?? "compared with "
    let run = try command.run([adapter, option, value], environment: ["COLUMNS": "1000"])
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.prefix(3) == [adapter[...], "  LoRA adapter for FLUX.1", ""])
    #expect(lines[3].hasPrefix("  " + title), "\(run.output)")
    #expect(!run.output.contains("dialect  ") && !run.output.contains("container"))
    let verbose = try command.run([adapter, option, value, "--verbose"]).output
    let answer = try #require(verbose.firstRange(of: title))
    let fact = try #require(verbose.firstRange(of: "container"))
    #expect(answer.lowerBound < fact.lowerBound)
    let page = path("page.html")
    #expect(try command.run([adapter, option, value, "--html", page]).status == 0)
    let text = try Fixtures.text(FilePath(page))
    let heading = try #require(text.firstRange(of: title))
    let path = try #require(text.firstRange(of: "<th>path</th>"))
    #expect(heading.lowerBound < path.lowerBound)
  }
}
