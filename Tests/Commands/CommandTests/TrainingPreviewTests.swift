import Glibc
import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

/// Pictures that glance-train-lora draws on its way.
@Suite("Previews of glance-train-lora", .serialized)
struct TrainingPreviewTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  private let prompt = "a large red square"
  private var previews: [String] { ["--preview", prompt, "--preview-every", "2", "--seed", "5"] }

  private func file(_ name: String) -> FilePath { FilePath("\(folder.path)/out/\(name)") }

  private func train(_ more: [String]) throws {
    let outcome = try command.run(tinyTraining(in: folder, ["-q", "--log"] + more))
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
  }

  private func entries(_ name: String) throws -> String {
    try command.shell("ls -A '\(file(name))' | tr '\\n' ' '").output
  }

  private func pixels(_ file: FilePath) throws -> [UInt8] { try Picture(reading: file).pixels }

  private func settings(_ file: FilePath) throws -> String? {
    try PictureFile(opening: file).texts.first { $0.key == "glance" }?.text
  }

  @Test("are glance-sample's pictures with the experts so far, and leave the experts as they are")
  func pictures() throws {
    try train(["--steps", "3", "--seed", "5"])
    let experts = try ["slow", "fast"].map { try contents(of: file("a-\($0).safetensors")) }
    try train(["--steps", "3", "--force"] + previews)
    #expect(
      try ["slow", "fast"].map { try contents(of: file("a-\($0).safetensors")) } == experts)
    #expect(
      try entries("a-previews")
        == "fast-000002.png fast-000003.png slow-000002.png slow-000003.png ")
    let sampler = BuiltCommand("glance-sample")
    for phases in [["slow"], ["slow", "fast"]] {
      let adapters = phases.flatMap { ["--adapter", file("a-\($0).safetensors").string] }
      let drawn = try sampler.run(
        [
          "--model", Fixtures.model("tiny-flux").string, "--prompt", prompt, "--seed", "5",
          "--size", "96x96", "--output", file("\(phases.count).png").string, "-q",
        ] + adapters)
      try #require(drawn.status == 0, "\(drawn.errors)")
      let picture = file("\(phases.count).png")
      let preview = file("a-previews/\(phases[phases.count - 1])-000003.png")
      #expect(try pixels(picture) == pixels(preview))
      #expect(try settings(picture) == settings(preview))
    }
    #expect(
      try pixels(file("a-previews/slow-000002.png")) != pixels(file("a-previews/slow-000003.png")))
    let page = try Fixtures.text(file("a-report.html"))
    for phase in ["slow", "fast"] {
      for step in [2, 3] {
        #expect(page.contains("<img alt=\"\(phase) expert after step \(step)\""))
      }
    }
    let options = try JSONValue(parsing: Fixtures.text(file("a.config.json")))
    #expect(options["preview"]?.string == prompt && options["preview-every"] == 2)
  }

  @Test("of a run that goes on stay, and are not replaced unasked")
  func resumed() throws {
    try train(["--steps", "2", "--phase", "slow", "--keep-state"] + previews)
    try train(["--steps", "4", "--phase", "slow", "--keep-state", "--resume"] + previews)
    #expect(try entries("a-previews") == "slow-000002.png slow-000004.png ")
    let removed = try command.shell(
      "cd '\(folder.path)/out' && rm -r a.* a-report.html a-slow.*")
    try #require(removed.status == 0)
    let refused = try command.run(
      tinyTraining(in: folder, ["--steps", "3", "--phase", "slow"] + previews))
    #expect(refused.status == 73)
    #expect(
      refused.errors
        == "glance-train-lora: \(file("a-previews/slow-000002.png")): exists already; choose another "
        + "--name, or allow --force\n")
    try train(["--steps", "3", "--phase", "slow", "--force"] + previews)
    #expect(try entries("a-previews") == "slow-000002.png slow-000003.png ")
  }

  @Test(
    "that Ctrl-C broke off are drawn when the run goes on; of another prompt, beside the old ones")
  func interrupted() throws {
    let previews = ["--preview", prompt, "--preview-every", "1", "--phase", "slow"]
    // Most of the time goes into drawing.
    let running = try command.start(
      tinyTraining(in: folder, ["--steps", "4000", "--save-every", "0", "--keep-state"] + previews))
    #expect(running.waits(for: file("a-previews/slow-000003.png")))
    running.send(SIGINT)
    let outcome = try running.outcome()
    #expect(outcome.status == 130 && outcome.errors.contains("go on with --resume"))
    let newest = try #require(try entries("a-slow.state").split(separator: " ").last)
    let step = try #require(Int(newest.dropFirst(5).prefix(6)))
    func names(_ steps: ClosedRange<Int>) -> String {
      steps.map { "slow-\(String(repeating: "0", count: 6 - "\($0)".count))\($0).png " }.joined()
    }
    // The last one may be missing, and nothing that it was to be drawn with is left.
    let before = try entries("a-previews")
    #expect(before == names(1...step) || before == names(1...max(1, step - 1)))
    let more = ["--steps", "\(step + 1)", "--keep-state", "--resume", "--log"]
    try train(more + previews)
    #expect(try entries("a-previews") == names(1...step + 1))
    let newestPicture = file("a-previews/" + String(names(step + 1...step + 1).dropLast()))
    let last = try contents(of: newestPicture)
    // Nothing is left to do; another prompt gets a picture of the expert as it is.
    try train(more + ["--preview", "a small green star", "--phase", "slow"])
    let page = try Fixtures.text(file("a-report.html"))
    #expect(page.contains("a small green star, drawn from the same noise"))
    #expect(page.split(separator: "<img alt=\"slow expert after step ").count == 2)
    #expect(try contents(of: newestPicture) != last)
  }

  @Test("are planned with what they take")
  func plan() throws {
    let outcome = try command.run(
      tinyTraining(in: folder, ["--steps", "7", "--dry-run"] + previews))
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("previews   a large red square\n"))
    #expect(
      outcome.output.contains(
        "           4 pictures of each expert, every 2 steps and after the last step, 10 passes each; about "
      ))
    let json = try JSONValue(
      parsing: command.run(
        tinyTraining(in: folder, ["--steps", "7", "--dry-run", "--json", "--preview", prompt])
      ).output)
    let previews = try #require(json["previews"])
    #expect(previews["prompt"]?.string == prompt && previews["every"] == 0)
    #expect(previews["pictures"] == 1 && previews["passes"] == 10)
    #expect(previews["folder"]?.string == file("a-previews").string)
    // At least what decoding keeps: the picture's three channels as floats.
    #expect(previews["memory_bytes"]?.integer ?? 0 >= 96 * 96 * 3 * 4)
    #expect(try command.shell("ls -A '\(folder.path)'").output.isEmpty)
  }

  @Test("need a prompt")
  func noPrompt() throws {
    for (arguments, message) in [
      (
        ["--preview", "a", "--legacy-file"],
        "--preview: expected files that hold what is trained, found --legacy-file"
      ),
      (["--preview-every", "2"], "--preview-every needs a --preview."),
      (["--preview", " "], "--preview: expected a prompt, found an empty one"),
    ] {
      let outcome = try command.run(tinyTraining(in: folder, arguments))
      #expect(outcome.status == 64)
      #expect(outcome.errors.hasPrefix("glance-train-lora: \(message)\n"), "\(outcome.errors)")
    }
  }
}
