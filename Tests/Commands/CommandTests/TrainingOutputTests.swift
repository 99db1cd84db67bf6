import Files
import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

/// What glance-train-lora prints, and how settings get from one place to another.
@Suite("Output of glance-train-lora")
struct TrainingOutputTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  private func arguments(_ more: String...) -> [String] { tinyTraining(in: folder, more) }

  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  @Test("as JSON: plan, result, and a failure")
  func forPrograms() throws {
    let plan = try command.run(arguments("--steps", "2", "--json", "--dry-run", "-q"))
    #expect(plan.status == 0)
    let planned = try json(plan.output)
    #expect(planned["format"] == "glance-train-lora/1")
    #expect(planned["dry_run"] == true)
    #expect(planned["settings"]?["steps"] == 2)
    #expect(planned["experts"]?.array?.count == 2)
    #expect(folder.entries == [])
    let run = try command.run(arguments("--steps", "2", "--json", "--log", "-q"))
    #expect(run.status == 0)
    let report = try json(run.output)
    #expect(report["dry_run"] == false)
    #expect(report["family"] == "flux1")
    #expect(report["pictures"]?.array?[0]["width"] == 96)
    #expect((report["seconds"]?.double ?? 0) > 0)
    let experts = try #require(report["experts"]?.array)
    #expect(experts.map { $0["phase"]?.string } == ["slow", "fast"])
    let out = folder.path.appending("out").string
    #expect(
      experts.map { $0["file"]?.string } == [
        "\(out)/a-slow.safetensors", "\(out)/a-fast.safetensors",
      ])
    #expect(experts.allSatisfy { $0["losses"]?.array?.count == 5 && $0["steps"] == 2 })
    #expect(
      report["log"] == [
        .string("\(out)/a.jsonl"), .string("\(out)/a.csv"),
        .string("\(out)/a-report.html"), .string("\(out)/a.events"),
      ])
    let again = try command.run(arguments("--steps", "2", "--json"))
    #expect(again.status == 73)
    #expect(try json(again.output)["error"] != nil)
  }

  @Test("with --verbose is a line a fact")
  func verbose() throws {
    let outcome = try command.run(arguments("--steps", "1", "-v"))
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines[0].hasPrefix("glance-train-lora: matrix products run on OpenBLAS "))
    #expect(lines[1].hasPrefix("glance-train-lora: model "))
    #expect(lines[2] == "glance-train-lora: samples    1 picture at 96x96, 36 image tokens")
    #expect(lines[3] == "glance-train-lora:            00.png 96x96")
    #expect(!outcome.errors.contains("\\u{a}"))
  }

  @Test("on a page draws the grid that its caption names")
  func ownGrid() throws {
    #expect(try command.run(arguments("--steps", "1", "--log", "-q")).status == 0)
    let page = try Fixtures.text(folder.path.appending("out").appending("a-report.html"))
    let chart = try #require(
      page.split(separator: "<figure>").first { $0.contains("the model&#39;s own grid behind it") })
    #expect(chart.contains(">the model&#39;s own grid</li>"))
    // The model's 50 steps, and ten of both phases.
    #expect(drawings(chart).map { $0.split(separator: "<circle").count - 1 } == [50 + 10, 50 + 10])
  }

  /// A figure's drawings: that for pages and that for phones.
  private func drawings(_ figure: Substring) -> [Substring] {
    Array(figure.split(separator: "<svg").dropFirst())
  }

  @Test("on a page shows picture, caption, seed, version and a line a phase in one colour")
  func page() throws {
    #expect(try command.run(arguments("--steps", "2", "--log", "-q", "--seed", "7")).status == 0)
    let page = try Fixtures.text(folder.path.appending("out").appending("a-report.html"))
    #expect(page.contains("<tr><th>seed</th><td>7</td></tr>"))
    #expect(page.contains("<tr><th>version</th><td>glance 0.1.0, OpenBLAS "))
    #expect(page.contains(" for 2 steps\nfast: "))
    // The sample has the size that it is trained at, so that its pixels are embedded as they are.
    #expect(page.contains("<tr><th>a small blue circle</th><td><img alt=\"a small blue circle\""))
    let figures = page.split(separator: "<figure>")
    for title in [
      "Norm of the gradients, before clipping", "Learning rate",
      "Norm of what the adapter adds to the weights of every block",
    ] {
      let chart = try #require(figures.first { $0.contains("<figcaption>\(title)</figcaption>") })
      let lines = drawings(chart).map { drawing in
        drawing.split(separator: "<polyline").dropFirst().map {
          $0.contains("stroke=\"#0072b2\"") ? "slow" : $0.contains("#d55e00") ? "fast" : "other"
        }
      }
      #expect(lines == [["slow", "fast"], ["slow", "fast"]], "\(title)")
    }
    #expect(
      page.contains(">block, from transformer_blocks.0 to single_transformer_blocks.3</text>"))
    let losses = figures.filter { $0.contains("Loss with fixed noise, by timestep") }
    #expect(losses.count == 2)
    for (figure, colour) in zip(losses, ["#0072b2", "#d55e00"]) {
      #expect(drawings(figure).count == 2)
      for drawing in drawings(figure) {
        let lines = drawing.split(separator: "<polyline").dropFirst()
        #expect(lines.count == 2)
        #expect(lines.first?.contains("stroke=\"#009e73\"") == true)
        #expect(lines.last?.contains("stroke=\"\(colour)\"") == true)
      }
    }
  }

  @Test("warns of pictures that are tiny or heavily cut, and names what a folder has besides")
  func pictures() throws {
    try folder.makeFolder("data")
    let data = folder.path.appending("data")
    let sample = Fixtures.model("sample")
    let made = try command.shell(
      "cp '\(sample)/00.png' '\(sample)/00.txt' '\(data)/' && cd '\(data)' && "
        + "for n in tiny wide; do echo words > $n.txt; done; echo x > skipped.gif; "
        + "printf 'P' > note.md")
    #expect(made.status == 0)
    for (name, width, height) in [("tiny", 1, 1), ("wide", 900, 60)] {
      let picture = Picture(
        width: width, height: height,
        pixels: Array(repeating: 128, count: width * height * 3))
      try folder.write(try picture.png(), to: "data/\(name).png")
    }
    let outcome = try command.run([
      "--model", Fixtures.model("tiny-flux").string, "--data", data.string, "--output", "out",
      "--dry-run",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let warning = "glance-train-lora: warning: \(data)"
    let expected: [String] = [
      "\(warning): skipped, since they are no pictures (.png, .jpg, .jpeg, .webp) with captions (.txt): "
        + "note.md, skipped.gif",
      "\(warning)/tiny.png: 1x1 pixels are enlarged to 96x96, and teach nothing but blur",
      "\(warning)/wide.png: of 900x60 pixels 93 % are cut away for 96x96; --resolution sets "
        + "another shape",
    ]
    #expect(outcome.errors == expected.joined(separator: "\n") + "\n")
    #expect(outcome.output.contains("wide.png 900x60, 93 % cut away"))
  }

  @Test("refuses numbers out of range before it reads anything")
  func ranges() throws {
    for (option, value, words) in [
      ("--steps", "0", "a whole number from 1 to 10000000, found 0"),
      ("--rank", "0", "a whole number from 1 to 4096, found 0"),
      ("--lr", "-1", "a number from 0 to 1000, found -1.0"),
    ] {
      let outcome = try command.run([
        "--model", "/nowhere", "--image", "x.png", "--caption", "c", "--output", "o", option, value,
      ])
      #expect(outcome.status == 64)
      #expect(
        outcome.errors.hasPrefix("glance-train-lora: \(option): expected \(words)\n"),
        "\(outcome.errors)")
    }
  }
}
