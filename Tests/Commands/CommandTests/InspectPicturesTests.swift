import Pictures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Texts of several lines, and pictures")
struct InspectPicturesTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-inspect")

  init() throws { folder = try TemporaryFolder() }

  private func write(_ texts: [PictureText]) throws -> String {
    let picture = Picture(width: 2, height: 1, pixels: [1, 2, 3, 250, 251, 252])
    return try folder.write(picture.png(texts: texts), to: "p.png").string
  }

  private static let settings = PictureText(
    key: "glance",
    text: """
      {"model":"tiny","prompt":"a <b>\\nsecond line","seed":"7","transformer":null,"cfg":1.5,\
      "adapters":[{"file":"slow.safetensors","strength":1.0,"phase":null},\
      {"file":"fast.safetensors","strength":0.5,"phase":"fast"}]}
      """)

  @Test func settingsAreATable() throws {
    let run = try command.run([try write([Self.settings])])
    #expect(run.status == 0)
    let lines = run.output.split(separator: "\n").drop { $0 != "  settings" }
    #expect(
      lines == [
        "  settings", "  model     tiny", "  prompt    a <b>", "            second line",
        "  seed      7", "  cfg       1.5", "  adapters  file slow.safetensors, strength 1.0",
        "            file fast.safetensors, strength 0.5, phase fast",
      ], "\(run.output)")
    #expect(!run.output.contains("glance ="))
  }

  @Test func thePageShowsThePicture() throws {
    let path = try write([Self.settings])
    let page = folder.path.appending("p.html")
    #expect(try command.run([path, "--html", page.string]).status == 0)
    let text = try Fixtures.text(page)
    // A PNG's first bytes in base64.
    #expect(text.contains("<img class=\"picture\" alt=\"p.png\" src=\"data:image/png;base64,iVBOR"))
    #expect(text.contains("<h2>settings</h2>"))
    #expect(text.contains("<tr><th>prompt</th><td>a &lt;b&gt;\nsecond line</td></tr>"))
    #expect(!text.contains("<h2>tensors") && !text.contains("0 tensors"))
  }

  @Test func aPictureHasNoTensors() throws {
    let path = try write([])
    for option in ["--stats", "--tensors"] {
      let run = try command.run([path, option])
      #expect(run.status == 0 && !run.output.contains("tensor"))
      #expect(run.errors == "glance-inspect: \(path): a picture has no tensors\n")
    }
    #expect(try command.run(["--check", path]).output == "\(path): decodes to its end\n")
  }

  @Test func textsOfSeveralLinesAreLines() throws {
    let text = "a cat\nNegative prompt: bad\u{1B}[2J\r\nSteps: 20, Seed: 7\n"
    let expected = [
      "  metadata  parameters = a cat", "              Negative prompt: bad\\u{1b}[2J",
      "              Steps: 20, Seed: 7",
    ]
    let picture = try command.run([try write([PictureText(key: "parameters", text: text)])])
    #expect(picture.output.split(separator: "\n").suffix(3).map(String.init) == expected)
    let file = folder.path.appending("a.safetensors")
    try writeSafetensors(
      [TensorView(name: "x", shape: [1], [1])], metadata: [("parameters", text)], to: file,
      overwrite: false)
    let run = try command.run([file.string])
    let lines = run.output.split(separator: "\n").map(String.init)
    for (line, wanted) in zip(lines.suffix(3), expected) {
      #expect(line.split(separator: " ") == wanted.split(separator: " "))
    }
    let long = try command.run([
      try write([PictureText(key: "k", text: (1...20).map { "\($0)" }.joined(separator: "\n"))])
    ])
    #expect(long.output.hasSuffix("and 11 more lines (--verbose shows all)\n"), "\(long.output)")
  }
}
