import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing
import Text

/// What glance-inspect says of folders that hold several things.
@Suite("Folders of loose files")
struct FolderListingTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-inspect")

  init() throws { folder = try TemporaryFolder() }

  private func copy(_ file: FilePath, to name: String) throws {
    try folder.write(contents(of: file), to: name)
  }

  /// An adapter, two checkpoints of FLUX.1, a truncated file, something else and what is no model.
  private func fill() throws {
    let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors")
    let model = Fixtures.folder.appending("inspection").appending("bfl.safetensors")
    try folder.makeFolder("models")
    try folder.makeFolder("models/deep")
    try folder.makeFolder("models/flux")
    try copy(adapter, to: "models/b-lora.safetensors")
    try copy(adapter, to: "models/deep/again.safetensors")
    try copy(model, to: "models/a.safetensors")
    try copy(Fixtures.report("gguf-iq4-nl", "in.gguf"), to: "models/c.gguf")
    let whole = try contents(of: model)
    try folder.write(Array(whole.dropLast(10)), to: "models/cut.safetensors")
    try folder.write([1, 2, 3], to: "models/notes.txt")
    let transformer = Fixtures.model("tiny-flux").appending("transformer")
    for name in ["config.json", "diffusion_pytorch_model.safetensors"] {
      try copy(transformer.appending(name), to: "models/flux/\(name)")
    }
  }

  @Test("become a page, with the phase that an adapter serves")
  func page() throws {
    try fill()
    let slow = Goldens.folder("flux").appending("adapter_with_alpha.safetensors")
    let file = try SafetensorsFile(opening: slow)
    try writeSafetensors(
      file.tensors, metadata: [("glance.phase", "slow")],
      to: folder.path.pushing("models/slow.safetensors"), overwrite: false)
    let page = folder.path.appending("page.html")
    let run = try command.run([models, "--html", page.string])
    #expect(run.status == 65 || run.status == 0, "\(run.errors)")
    #expect(run.output == "" && run.errors.contains("wrote \(page)"), "\(run.errors)")
    let text = try Fixtures.text(page)
    for cell in [
      "<th>file</th>", "<td>b-lora.safetensors</td>",
      "<td>LoRA adapter for FLUX.1, phase slow</td>",
    ] {
      #expect(text.contains(cell), "\(cell)")
    }
    let deep = try command.run([
      models, "--recursive", "--duplicates", "--html", page.string, "--force",
    ])
    #expect(deep.errors.contains("wrote \(page)"), "\(deep.errors)")
    #expect(try Fixtures.text(page).contains("2 copies of"))
  }

  private var models: String { folder.path.appending("models").string }

  private func rows(_ output: String) -> [[String]] {
    output.split(separator: "\n").map {
      $0.split(separator: "  ").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.map(
        String.init)
    }
  }

  @Test("are listed, a line for each thing, and what can't be read has its problem")
  func lines() throws {
    try fill()
    let run = try command.run([models])
    #expect(run.status == 65)
    #expect(run.errors == "")
    let rows = rows(run.output)
    #expect(rows.first == [models])
    #expect(rows[1] == ["file", "what", "form", "rank", "size", "problems"])
    #expect(rows[2][0...1] == ["a.safetensors", "FLUX.1 transformer, dev"])
    #expect(
      rows[3][0...3] == ["b-lora.safetensors", "LoRA adapter for FLUX.1", "diffusers, F32", "16"])
    #expect(
      rows[4][0...2] == ["c.gguf", "Qwen-Image transformer, image", "diffusers, F32, IQ4_NL"])
    #expect(rows[5][0...1] == ["cut.safetensors", "can't be read"])
    #expect(rows[5][2].hasPrefix("cut.safetensors: truncated: "))
    #expect(rows[6][0...2] == ["flux", "FLUX.1 transformer, dev", "diffusers, BF16"])
    #expect(rows[7][0].hasPrefix("5 listed, "))
    #expect(rows[7][0].hasSuffix("; 1 other file; not looked into: deep (--recursive)"))
    #expect(rows.count == 8)
  }

  @Test("are looked into where that is asked for, in the same order with any number of threads")
  func recursive() throws {
    try fill()
    let runs = try ["1", "7"].map {
      try command.run([models, "--recursive", "--json", "--threads", $0])
    }
    #expect(runs[0].status == 65 && runs[0].output == runs[1].output)
    let object = try JSONValue(parsing: runs[0].output)
    #expect(object["kind"] == "folder" && object["version"] == 1 && object["other_files"] == 1)
    #expect(object["closed_folders"] == [])
    #expect(object["duplicates"] == nil)
    let reports = object["reports"]?.array ?? []
    #expect(
      reports.compactMap { $0["path"]?.string }
        == [
          "a.safetensors", "b-lora.safetensors", "c.gguf", "cut.safetensors",
          "deep/again.safetensors", "flux",
        ].map { "\(models)/\($0)" })
    #expect(
      reports.compactMap { $0["kind"]?.string }
        == ["checkpoint", "lora", "checkpoint", "unknown", "lora", "checkpoint"])
    #expect(reports.allSatisfy { $0["metadata"] == nil })
  }

  @Test("show which files have the same content, and which names one file has")
  func duplicates() throws {
    try fill()
    try folder.hardLink("models/c-link.gguf", to: "models/c.gguf")
    // As long as the adapter, with another content.
    var other = try contents(of: FilePath("\(models)/b-lora.safetensors"))
    other[other.count - 1] ^= 1
    try folder.write(other, to: "models/other.safetensors")
    let run = try command.run([models, "--recursive", "--duplicates"])
    #expect(run.status == 65)
    let lines = run.output.split(separator: "\n").map { $0.drop { $0 == " " } }
    #expect(
      lines.suffix(6) == [
        "2 copies of 252.6 kB:", "b-lora.safetensors", "deep/again.safetensors",
        "one file of 58.0 kB under several names:", "c-link.gguf = c.gguf",
        "252.6 kB would be free without the copies",
      ])
    let json = try JSONValue(parsing: command.run([models, "--duplicates", "--json"]).output)
    #expect(json["duplicates"]?.array?.count == 1)
    #expect(json["duplicates"]?.array?.first?["sha256"] == .null)
    #expect(json["duplicates"]?.array?.first?["bytes"] == 57952)
  }

  @Test("have names that terminals may act on, and terminals that are narrow")
  func unsafeNames() throws {
    try fill()
    let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors")
    try copy(adapter, to: "models/x\u{1B}[2J\u{202E}y.safetensors")
    for columns in ["", "40"] {
      let run = try command.run([models, "--recursive"], environment: ["COLUMNS": columns])
      for scalar in (run.output + run.errors).unicodeScalars where scalar != "\n" {
        #expect(!scalar.isUnsafeOnTerminals)
      }
      #expect(run.output.contains("\\u{1b}[2J"))
      let longest = run.output.split(separator: "\n").dropFirst().map(\.count).max() ?? 0
      #expect(columns.isEmpty || longest <= 40)
    }
  }

  @Test("have names that are no text, which are counted")
  func namelessFiles() throws {
    try fill()
    let made = try command.shell("touch '\(models)'/$(printf 'caf\\351').safetensors")
    #expect(made.status == 0, "\(made.errors)")
    let run = try command.run([models])
    #expect(
      run.output.contains("; left out for names that are not UTF-8: 1 entry;"), "\(run.output)")
    let object = try JSONValue(parsing: command.run([models, "--json"]).output)
    #expect(object["unreadable_names"] == 1)
  }

  @Test("have a configuration beside them that is none of theirs")
  func strayConfiguration() throws {
    try folder.makeFolder("loras")
    let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors")
    try copy(adapter, to: "loras/a.safetensors")
    try copy(adapter, to: "loras/b.safetensors")
    try folder.write(Array("{}".utf8), to: "loras/config.json")
    for arguments in [["\(folder.path)/loras"], ["\(folder.path)", "--recursive"]] {
      let run = try command.run(arguments)
      #expect(run.status == 0, "\(run.output)\(run.errors)")
      #expect(rows(run.output).count { $0.contains("LoRA adapter for FLUX.1") } == 2)
    }
  }

  @Test("may be none at all, which is said with any option")
  func empty() throws {
    try folder.makeFolder("empty")
    let plain = try command.run(["\(folder.path)/empty"])
    #expect(plain.status == 66 && plain.errors.contains("no safetensors file in this folder"))
    for option in ["--recursive", "--duplicates"] {
      let run = try command.run(["\(folder.path)/empty", option])
      #expect(run.status == plain.status && run.errors == plain.errors, "\(run.errors)")
    }
  }

  @Test("have pipes among them, which are not waited for")
  func pipes() throws {
    try folder.makeFolder("models")
    #expect(
      try command.shell("mkfifo '\(models)/a.safetensors' '\(models)/b.safetensors'").status == 0)
    let run = try command.run([models, "--duplicates"])
    #expect(run.status == 65, "\(run.errors)")
    let rows = rows(run.output)
    #expect(rows[2][0...1] == ["a.safetensors", "can't be read"])
    #expect(rows[3][0...1] == ["b.safetensors", "can't be read"])
    #expect(run.output.contains("no file is there twice"))
  }

  @Test("count parts of one checkpoint once, and follow no link in a circle")
  func parts() throws {
    try folder.makeFolder("models")
    let split = Fixtures.folder.appending("reports/gguf-split")
    for name in ["qwen-00001-of-00002.gguf", "qwen-00002-of-00002.gguf"] {
      try copy(split.appending(name), to: "models/\(name)")
    }
    try copy(
      Fixtures.report("gguf-iq4-nl", "in.gguf"), to: "models/x.gguf")
    try folder.link("models/circle", to: ".")
    let run = try command.run([models, "--recursive"])
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    let rows = rows(run.output)
    #expect(rows.dropFirst(2).map(\.first).prefix(2) == ["qwen-00001-of-00002.gguf", "x.gguf"])
    #expect(rows.count == 5)
  }

  @Test("are checked file by file")
  func checked() throws {
    try fill()
    let run = try command.run(["--check", models])
    #expect(run.status == 65 && run.output == "")
    let errors = run.errors.split(separator: "\n")
    #expect(errors.count == 1)
    #expect(errors.first?.hasPrefix("glance-inspect: \(models)/cut.safetensors: truncated") == true)
    folder.remove("models/cut.safetensors")
    let sound = try command.run(["--check", models])
    #expect(sound.status == 0)
    #expect(sound.output == "\(models): headers of 4 checkpoints and adapters are sound\n")
  }

  @Test("are not what else is asked about, and one thing stays one thing")
  func refused() throws {
    try fill()
    let stats = try command.run([models, "--stats"])
    #expect(stats.status == 65)
    #expect(stats.errors.contains("several checkpoints in this folder"))
    let both = try command.run([models, "--recursive", "--tensors"])
    #expect(both.status == 64)
    #expect(both.errors.contains("--recursive and --duplicates list what a folder holds"))
    let component = try JSONValue(parsing: command.run(["\(models)/flux", "--json"]).output)
    #expect(component["kind"] == "checkpoint")
    let single = try JSONValue(parsing: command.run(["\(models)/deep", "--json"]).output)
    #expect(single["kind"] == "lora")
    try folder.makeFolder("empty")
    let empty = try command.run([folder.path.appending("empty").string])
    #expect(empty.status == 66)
    #expect(empty.errors.hasSuffix("no safetensors file in this folder\n"))
  }
}
