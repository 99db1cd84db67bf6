import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("glance-sample, what it draws again and where it writes", .serialized)
struct DrawingAgainTests {
  private let folder: TemporaryFolder
  private let sample = BuiltCommand("glance-sample")
  private static let model = ["--model", Fixtures.model("tiny-flux").string]

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func bytes(_ name: String) throws -> [UInt8] {
    try contents(of: folder.path.appending(name))
  }

  private func picture(_ name: String) throws -> Picture {
    try Picture(reading: folder.path.appending(name))
  }

  private func text(_ key: String, of name: String) throws -> String {
    let texts = try PictureFile(opening: folder.path.appending(name)).texts
    return try #require(texts.first { $0.key == key }).text
  }

  /// Draws, and must succeed.
  @discardableResult
  private func draw(
    _ arguments: String..., location: SourceLocation = #_sourceLocation
  ) throws -> BuiltCommand.Outcome {
    let outcome = try sample.run(Self.model + arguments)
    #expect(outcome.status == 0, "\(outcome.errors)", sourceLocation: location)
    return outcome
  }

  @Test func promptsComeFromStandardInput() throws {
    let model = Self.model.joined(separator: " ")
    func draw(_ text: String) throws -> BuiltCommand.Outcome {
      try sample.shell(
        "printf '\(text)' | \"$COMMAND\" \(model) --prompts - -q --output '\(path("o"))'")
    }
    let drawn = try draw("a small blue circle\\n# none\\n\\na red star --d 5\\n")
    #expect(drawn.status == 0, "\(drawn.errors)")
    #expect(TemporaryFolder.names(in: folder.path.appending("o")) == ["0001-0.png", "0002-5.png"])
    #expect(try text("parameters", of: "o/0002-5.png").hasPrefix("a red star\n"))
    let empty = try draw("# none\\n")
    #expect(empty.status == 65)
    #expect(empty.errors == "glance-sample: -: expected a prompt on every line, found none\n")
  }

  private func refusal(_ arguments: String...) throws -> String {
    let outcome = try sample.run(Self.model + arguments)
    #expect(outcome.status != 0)
    return outcome.errors
  }

  private func adapter(_ name: String) throws {
    let fixture = Fixtures.folder.appending("methods/peft-bias.safetensors")
    _ = try folder.write(contents(of: fixture), to: name)
  }

  @Test("draws with the folder that PEFT saved as with the file inside, and again from the picture")
  func folderOfPEFT() throws {
    let fixture = Fixtures.folder.appending("methods/peft-bias.safetensors")
    try folder.makeFolder("style")
    let inside = try folder.write(contents(of: fixture), to: "style/adapter_model.safetensors")
    try folder.write(
      Array(#"{"peft_type": "LORA", "r": 4, "lora_alpha": 6, "lora_bias": true}"#.utf8),
      to: "style/adapter_config.json")
    for (adapter, output) in [(path("style"), "folder"), ("\(path("style"))/", "slash")] {
      try draw(
        "--adapter", adapter, "--prompt", "a red star", "--schedule", "1", "--output",
        path("\(output).png"))
    }
    try draw(
      "--adapter", inside.string, "--prompt", "a red star", "--schedule", "1", "--output",
      path("file.png"))
    let pixels = try picture("file.png").pixels
    #expect(try picture("folder.png").pixels == pixels)
    #expect(try picture("slash.png").pixels == pixels)
    func digest(_ name: String) throws -> JSONValue? {
      try JSONValue(parsing: text("glance", of: name))["adapters"]?.array?.first?["sha256"]
    }
    let expected = try digest("file.png")
    #expect(expected?.string?.utf8.count == 64)
    #expect(try digest("folder.png") == expected)
    try draw("--from", path("folder.png"), "--output", path("again.png"))
    #expect(try picture("again.png").pixels == pixels)
  }

  @Test("draws every picture at strengths and by schedules, and all as one grid")
  func grid() throws {
    try adapter("style.safetensors")
    let adapter = ["--adapter", "\(path("style.safetensors")):0.5"]
    func draw(_ arguments: [String]) throws {
      let outcome = try sample.run(
        Self.model + ["--prompt", "a red star", "--seed", "7"] + arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    try draw(
      adapter + [
        "--strengths", "0,2", "--schedule", "teacher:2", "--schedule", "1,0.5", "--grid",
        path("grid.png"), "--output", path("cells"),
      ])
    try draw(["--schedule", "1,0.5", "--output", path("alone.png")])
    try draw(
      ["--adapter", "\(path("style.safetensors"))", "--schedule", "teacher:2", "--output"]
        + [path("whole.png")])
    let cells = try ["0001-7", "0002-7", "0003-7", "0004-7"].map { try picture("cells/\($0).png") }
    // At strength 0 the model draws alone, and 2 times 0.5 is the adapter as it is.
    #expect(try cells[1] == picture("alone.png"))
    #expect(try bytes("cells/0003-7.png") == bytes("whole.png"))
    #expect(cells[0] != cells[2] && cells[1] != cells[3])
    let grid = try picture("grid.png")
    for (index, cell) in cells.enumerated() {
      #expect(Self.holds(grid, cell), "picture \(index)")
    }
    let settings = try JSONValue(parsing: text("glance", of: "grid.png"))
    #expect(settings["format"] == "glance-sample-grid/1")
    #expect(settings["rows"] == ["strength 0", "strength 2"])
    #expect(settings["columns"] == ["teacher:2", "1,0.5"])
    #expect(
      settings["pictures"] == ["0001-7.png", "0002-7.png", "0003-7.png", "0004-7.png"])
    #expect(
      try refusal("--from", path("grid.png"))
        == "glance-sample: \(path("grid.png")): expected a PNG that glance-sample wrote, with its settings, "
        + "found a grid of several pictures; name one of these\n")
  }

  /// Whether a picture is a part of another.
  private static func holds(_ whole: Picture, _ part: Picture) -> Bool {
    func row(_ number: Int) -> ArraySlice<UInt8> {
      part.pixels[number * part.width * 3..<(number + 1) * part.width * 3]
    }
    return (0...whole.height - part.height).contains { y in
      (0...whole.width - part.width).contains { x in
        (0..<part.height).allSatisfy { number in
          let start = ((y + number) * whole.width + x) * 3
          return whole.pixels[start...].starts(with: row(number))
        }
      }
    }
  }

  @Test("refuses what makes no grid")
  func noGrid() throws {
    let prompt = ["--prompt", "x"]
    func usage(_ arguments: String...) throws -> String {
      let outcome = try sample.run(Self.model + prompt + arguments)
      #expect(outcome.status == 64)
      return String(outcome.errors.prefix { $0 != "\n" })
    }
    #expect(
      try usage("--strengths", "0,1")
        == "glance-sample: --strengths: multiplies the strengths of adapters; give --adapter")
    #expect(
      try usage("--strengths", "0,x")
        == "glance-sample: The value '0,x' is invalid for '--strengths <numbers>': expected numbers such as "
        + "0,0.5,1, found 'x'")
    #expect(
      try usage("--schedule", "teacher:2", "--schedule", "teacher:2")
        == "glance-sample: --schedule: expected different schedules, found one twice")
    #expect(
      try usage("--grid", "a.jpg")
        == "glance-sample: --grid: expected a name that ends in .png, found 'a.jpg'")
    for (grid, output, other) in [
      ("a.png", "./a.png", "./a.png"), ("a-001.png", "a.png", "a-001.png"),
      ("o/0002-1.png", "o", "o/0002-1.png"),
    ] {
      #expect(
        try usage("--grid", grid, "--output", output, "--count", output == "./a.png" ? "1" : "2")
          == "glance-sample: --grid: expected a file of its own, found \(other), which the run has")
    }
  }

  @Test("draws a picture again byte for byte, or as options ask")
  func again() throws {
    try adapter("style.safetensors")
    try draw(
      "--adapter", "\(path("style.safetensors")):0.5", "--schedule", "teacher:3", "--seed", "7",
      "--cfg", "1.5", "--negative", "dark", "--guidance", "2", "--prompt", "a red star", "--output",
      path("a.png"))
    try draw("--from", path("a.png"), "--output", path("b.png"))
    #expect(try bytes("a.png") == bytes("b.png"))
    try draw(
      "--from", path("a.png"), "--seed", "8", "--prompt", "a blue square", "--output",
      path("c.png"))
    let settings = try JSONValue(parsing: text("glance", of: "c.png"))
    #expect(settings["seed"]?.string == "8" && settings["prompt"]?.string == "a blue square")
    #expect(settings["negative"]?.string == "dark" && settings["cfg"]?.double == 1.5)
    #expect(settings["adapters"]?.array?.first?["strength"]?.double == 0.5)
    // At another size the schedule that was asked for is computed anew.
    try draw("--from", path("a.png"), "--size", "48", "--output", path("d.png"))
    #expect(try picture("d.png").width == 48)
    let (own, other) = (
      try JSONValue(parsing: text("glance", of: "a.png")),
      try JSONValue(parsing: text("glance", of: "d.png"))
    )
    #expect(other["steps"]?.integer == 3 && other["asked_schedule"]?.string == "teacher:3")
    #expect(other["schedule"] != own["schedule"])
    folder.remove("style.safetensors")
    #expect(
      try refusal("--from", path("a.png"), "--output", path("e.png")).contains(
        "\(path("a.png")): expected 'style.safetensors', which it was drawn with, beside it, here or one folder up, "
          + "found none; name it with --adapter"))
    #expect(
      try refusal(
        "--from", Fixtures.model("sample").appending("00.png").string, "--output", path("e.png")
      ).contains("expected a PNG that glance-sample wrote, with its settings, found none in it"))
  }

  @Test("draws again what was started from a picture, and tells what is missing or another model")
  func againFromPicture() throws {
    _ = try folder.write(
      contents(of: Fixtures.model("sample").appending("00.png")), to: "photo.png")
    try draw(
      "--image", path("photo.png"), "--strength", "0.3", "--schedule", "slow=1,0.9|fast=0.5",
      "--text-tokens", "20", "--prompt", "a red star", "--output", path("a.png"))
    let again = try draw("--from", path("a.png"), "--output", path("b.png"))
    #expect(try bytes("a.png") == bytes("b.png"))
    #expect(again.errors == "")
    let other = try sample.run([
      "--model", Fixtures.model("tiny-qwen-image").string, "--from", path("a.png"), "--output",
      path("q.png"),
    ])
    #expect(other.status == 0, "\(other.errors)")
    #expect(other.errors.contains("drawn by 'tiny-flux', and this is "))
    folder.remove("photo.png")
    let missing = try sample.run(
      Self.model + ["--from", path("a.png"), "--output", path("c.png")])
    #expect(missing.status == 66)
    #expect(
      missing.errors.contains(
        "\(path("a.png")): expected 'photo.png', which it was drawn with, beside it, here or one folder up, found "
          + "none; name it with --image"))
  }

  @Test(
    "refuses settings that no run writes",
    arguments: [
      (
        "\"size\":\"96x96\"", "\"size\":\"99984x99984\"",
        "'size' as WIDTHxHEIGHT in multiples of 16"
      ),
      ("\"compat\":\"none\"", "\"compat\":\"zzz\"", "a known sampler under 'compat', found 'zzz'"),
      ("\"cfg\":1.0", "\"cfg\":-1", "'cfg' from "),
      ("\"file\":\"photo.png\"", "\"file\":\"../x.png\"", "the names of files among its settings"),
      ("\"file\":\"photo.png\"", "\"file\":\"\"", "the names of files among its settings"),
    ])
  func damagedSettings(from: String, to: String, message: String) throws {
    _ = try folder.write(
      contents(of: Fixtures.model("sample").appending("00.png")), to: "photo.png")
    try draw(
      "--image", path("photo.png"), "--schedule", "teacher:2", "--prompt", "a", "--output",
      path("a.png"))
    let settings = try text("glance", of: "a.png")
    let parts = settings.split(separator: from, omittingEmptySubsequences: false)
    #expect(parts.count > 1)
    let changed = try picture("a.png").png(
      texts: [PictureText(key: "glance", text: parts.joined(separator: to))])
    _ = try folder.write(changed, to: "changed.png")
    let outcome = try sample.run(
      Self.model + ["--from", path("changed.png"), "--output", path("b.png")])
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test("keeps the settings as A1111 has them, too")
  func parameters() throws {
    try draw(
      "--schedule", "teacher:2", "--seed", "5", "--cfg", "2", "--negative", "dark, blurry",
      "--prompt", "a red star", "--output", path("a.png"))
    let version = try #require(
      try JSONValue(parsing: text("glance", of: "a.png"))["version"]?.string)
    #expect(
      try text("parameters", of: "a.png")
        == "a red star\nNegative prompt: dark, blurry\nSteps: 2, Sampler: Euler, CFG scale: 2, "
        + "Distilled CFG Scale: 3.5, Seed: 5, Size: 96x96, Model: tiny-flux, Version: glance \(version)"
    )
  }

  @Test("numbers pictures in a folder behind those that are there")
  func folders() throws {
    let arguments = ["--schedule", "teacher:1", "--size", "32", "--count", "2"]
    for prompt in ["a", "b"] {
      let outcome = try sample.run(
        Self.model + arguments + ["--prompt", prompt, "--seed", "3", "--output", path("out")])
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(
      TemporaryFolder.names(in: folder.path.appending("out"))
        == ["0001-3.png", "0002-4.png", "0003-3.png", "0004-4.png"])
    #expect(try JSONValue(parsing: text("glance", of: "out/0003-3.png"))["prompt"]?.string == "b")
    // Names of others count for nothing.
    _ = try folder.write([1], to: "out/9223372036854775807-1.png")
    _ = try folder.write([1], to: "out/20231105.png")
    try draw(
      "--schedule", "teacher:1", "--size", "32", "--prompt", "c", "--output", path("out"))
    #expect(TemporaryFolder.names(in: folder.path.appending("out")).contains("0005-0.png"))
    #expect(try refusal("--prompt", "a", "--output", path("a.JPG")).contains("'\(path("a.JPG"))'"))
    #expect(
      try refusal("--prompt", "a", "--output", path("a.webp")).contains(
        "--output: expected a name that ends in .png, a folder or -, found '\(path("a.webp"))'"))
  }

  @Test("writes one picture to standard output, and nothing else")
  func standardOutput() throws {
    try draw("--schedule", "teacher:1", "--size", "32", "--prompt", "a", "--output", path("a.png"))
    let line =
      "$COMMAND \(Self.model.joined(separator: " ")) --schedule teacher:1 --size 32 --prompt a --output - "
      + "> \(path("b.png"))"
    #expect(try sample.shell(line).status == 0)
    #expect(try bytes("a.png") == bytes("b.png"))
    #expect(
      try refusal("--prompt", "a", "--count", "2", "--output", "-").contains(
        "--output: standard output takes one picture, and 2 are drawn; name a folder"))
  }

  @Test("takes settings of a prompt from its line")
  func promptFile() throws {
    _ = try folder.write(
      Array("# two of them\na red star --d 9\na blue square --w 32 --h 48\n".utf8), to: "p.txt")
    let outcome = try draw(
      "--prompts", path("p.txt"), "--schedule", "teacher:1", "--output", path("out"), "--json")
    let json = try JSONValue(parsing: outcome.output)
    #expect(json["format"]?.string == "glance-sample-runs/1")
    #expect(json["runs"]?.array?.map { $0["size"]?.string } == ["96x96", "32x48"])
    #expect(
      TemporaryFolder.names(in: folder.path.appending("out")) == ["0001-9.png", "0002-0.png"])
    #expect(try picture("out/0002-0.png").height == 48)
  }

  @Test("saves noise that gives the picture again, and decodes latents that it saved")
  func latents() throws {
    try draw(
      "--schedule", "teacher:2", "--prompt", "a red star", "--seed", "4", "--output", path("a.png"),
      "--save-noise", path("noise.safetensors"), "--save-latents", path("done.safetensors"))
    try draw(
      "--schedule", "teacher:2", "--prompt", "a red star", "--latents", path("noise.safetensors"),
      "--output", path("b.png"))
    #expect(try picture("a.png") == picture("b.png"))
    try draw("--decode", path("done.safetensors"), "--output", path("c.png"))
    #expect(try bytes("c.png") == bytes("a.png"))
    // A picture without a seed is drawn again from the noise that it was drawn from.
    try draw(
      "--from", path("b.png"), "--latents", path("noise.safetensors"), "--output", path("e.png"))
    #expect(try bytes("b.png") == bytes("e.png"))
    #expect(
      try refusal("--from", path("b.png"), "--output", path("f.png"))
        == "glance-sample: \(path("b.png")): expected a seed among its settings, found none: it was drawn from "
        + "given noise; name that with --latents\n")
    let outcome = try draw("--decode", path("noise.safetensors"), "--output", path("d.png"))
    #expect(
      outcome.errors.contains("says of its latents that they are noise, not finished pictures"))
    #expect(
      try refusal("--decode", path("done.safetensors"), "--prompt", "a", "--output", path("e.png"))
        .contains("--decode draws nothing: it takes no prompt"))
    #expect(
      try refusal(
        "--prompt", "a", "--save-noise", path("x.safetensors"), "--save-latents",
        path("x.safetensors")
      ).contains("--save-noise, --save-latents: expected two files, found one"))
  }

  @Test("starts from a picture, and says what a strength is for")
  func image() throws {
    let outcome = try draw(
      "--image", Fixtures.model("sample").appending("00.png").string, "--strength", "0.5",
      "--schedule", "teacher:4", "--prompt", "a red star", "--output", path("a.png"))
    #expect(outcome.output.contains("single: 2 steps at sigma"))
    #expect(
      try refusal("--prompt", "a", "--strength", "0.5", "--output", path("b.png")).contains(
        "--strength: how much of --image is drawn anew; an adapter's stands behind its file, "
          + "cat.safetensors:0.8"))
  }
}
