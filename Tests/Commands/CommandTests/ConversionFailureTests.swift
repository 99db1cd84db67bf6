import Elements
import Files
import Glibc
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What glance-convert refuses, with which status and words, and what it leaves behind: nothing.
@Suite("glance-convert refuses", .serialized)
struct ConversionFailureTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-convert")
  private let input: FilePath
  private let model = TinyModel(title: "dev")

  init() throws {
    folder = try TemporaryFolder()
    input = folder.path.appending("dev.safetensors")
    try model.write(to: input)
  }

  private func file(_ name: String) -> FilePath { folder.path.appending(name) }

  /// Runs the command, which must fail with that status, one line that has these words, and no new
  /// file.
  private func refuse(
    _ input: FilePath, _ options: [String], status: Int32, _ words: String...,
    output: String = "out.safetensors", location: SourceLocation = #_sourceLocation
  ) throws {
    let before = folder.entries
    let outcome = try command.run([input.string, "--output", file(output).string] + options)
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: location)
    #expect(outcome.output == "", sourceLocation: location)
    for word in words {
      #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: location)
    }
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("glance-convert: ") }
    #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: location)
    #expect(folder.entries == before, sourceLocation: location)
  }

  /// A copy of the input whose tensors are changed.
  private func changed(
    _ name: String = "changed.safetensors", _ change: ([TensorView]) -> [TensorView]
  ) throws -> FilePath {
    try writeSafetensors(
      change(TensorSource(opening: input).tensors), to: file(name), overwrite: true)
    return file(name)
  }

  private static let diffusers = ["--layout", "diffusers"]

  @Test func tensorsThatAreMissingOrHaveAnotherShape() throws {
    let name = "double_blocks.1.txt_attn.qkv.weight"
    try refuse(
      changed { $0.filter { $0.name != name } }, Self.diffusers, status: 65, name, "missing",
      "FLUX.1")
    let other = try changed { views in
      views.map {
        $0.name == name ? TensorView(name: name, shape: [1, 36], $0.floats().suffix(36)) : $0
      }
    }
    try refuse(other, Self.diffusers, status: 65, name, "[1, 36]", "expected [36, 12]")
    let gap = try changed { $0.filter { !$0.name.hasPrefix("double_blocks.0.") } }
    try refuse(gap, Self.diffusers, status: 65, "changed.safetensors")
  }

  @Test(
    "models that only look alike, by name",
    arguments: [
      ("FLUX.2", "single_stream_modulation.lin.weight"),
      ("Chroma", "distilled_guidance_layer.in_proj.weight"),
      ("HunyuanVideo", "txt_in.individual_token_refiner.blocks.0.norm1.weight"),
    ])
  func lookAlikes(title: String, tensor: String) throws {
    let file = try changed { $0 + [TensorView(name: tensor, shape: [1], [1])] }
    try refuse(file, Self.diffusers, status: 65, title, "expected a transformer of FLUX.1")
    try refuse(
      file, ["--gguf", "q8_0"], status: 65, "changed.safetensors", output: "out.gguf")
  }

  @Test func layoutsAndModelsThatItDoesNotKnow() throws {
    try refuse(input, ["--layout", "webui"], status: 64, "'webui'", "diffusers, bfl, comfyui")
    let unknown = file("unknown.safetensors")
    try writeSafetensors(
      [TensorView(name: "a", shape: [1], [1])], to: unknown, overwrite: false)
    try refuse(unknown, Self.diffusers, status: 65, "no known model")
    try refuse(unknown, ["--scaled"], status: 65, "no known model")
    try refuse(unknown, ["--gguf", "f16"], status: 65, "no known model", output: "out.gguf")
  }

  @Test func aWidthOfHeadsThatContradictsTheTensors() throws {
    try refuse(
      input, Self.diffusers + ["--head-dim", "8"], status: 65, "4 wide according to the tensors")
    try refuse(input, Self.diffusers + ["--head-dim", "0"], status: 64, "--head-dim")
  }

  @Test func optionsThatContradictEachOther() throws {
    try refuse(input, ["--scaled", "--dtype", "bf16"], status: 64, "--scaled")
    try refuse(input, ["--scaled-form", "1"], status: 64, "--scaled")
    try refuse(input, ["--scaled", "--scaled-form", "3"], status: 64, "expected 1 or 2")
    try refuse(
      input, ["--rounding", "up"], status: 64, "expected nearest, stochastic:SEED or feedback")
    try refuse(input, ["--shard-size", "1GB"], status: 64, "--shard-size")
    try refuse(
      input, ["--compress", "--shard-size", "1GB"], status: 64, "--compress", output: "out")
    try refuse(input, ["--gguf", "q8_0"], status: 64, ".gguf")
    try refuse(input, ["--gguf", "q9"], status: 64, "'q9'", "q8_0", output: "out.gguf")
    for options in [["--dtype", "bf16"], ["--scaled"], ["--compress"], Self.diffusers] {
      try refuse(input, ["--gguf", "q8_0"] + options, status: 64, "", output: "out.gguf")
    }
    try refuse(input, ["--unknown", "ask"], status: 64, "--unknown")
    try refuse(input, ["--dtype", "f64"], status: 64, "--dtype")
  }

  @Test func aDifferenceThatWouldReplaceItsBase() throws {
    let base = file("base.safetensors")
    try folder.write(contents(of: input), to: "base.safetensors")
    let outcome = try command.run([
      input.string, "--delta-from", base.string, "--output", base.string, "--force",
    ])
    #expect(outcome.status == 64 && outcome.errors.contains("would be lost"))
    #expect(try contents(of: base) == contents(of: input))
  }

  @Test func codesWithoutTheirScale() throws {
    let scaled = file("scaled.safetensors")
    #expect(
      try command.run([input.string, "--scaled", "--output", scaled.string]).status == 0)
    let tensors = try SafetensorsFile(opening: scaled).tensors
    let missing = try #require(tensors.first { $0.name.hasSuffix(".weight_scale") }?.name)
    try writeSafetensors(
      tensors.filter { $0.name != missing }, to: file("cut.safetensors"), overwrite: false)
    let outcome = try command.run([
      file("cut.safetensors").string, "--dtype", "bf16", "--output", file("o.safetensors").string,
    ])
    #expect(outcome.status == 65 && outcome.errors.contains(missing))
  }

  @Test func optionsOfAdaptersForCheckpointsAndTheOtherWayRound() throws {
    for options in [
      ["--dialect", "kohya"], ["--alpha", "bake"], ["--assume-alpha", "4"], ["--partial"],
    ] {
      try refuse(input, options, status: 64, options[0], "is for adapters")
    }
    let adapter = Fixtures.folder.appending("convert/cases/lora_flux_kohya_to_diffusers/in")
      .appending("lora.safetensors")
    for options in [
      ["--layout", "bfl"], ["--prefix", "none"], ["--head-dim", "8"], ["--scaled"],
      ["--gguf", "q8_0"], ["--rounding", "nearest"], ["--shard-size", "1GB"],
      ["--component", "vae"], ["--unknown", "keep"],
    ] {
      try refuse(adapter, options, status: 64, options[0], "is for checkpoints")
    }
    try refuse(adapter, ["--dialect", "word"], status: 64, "'word'", "kohya")
    try refuse(adapter, [], status: 64, ".safetensors", output: "out.gguf")
    try refuse(adapter, ["--dtype", "f8_e4m3"], status: 64, "--dtype")
  }

  @Test func outputsThatExistOrCannotBe() throws {
    try folder.write(Array("old".utf8), to: "old.safetensors")
    try refuse(
      input, Self.diffusers, status: 73, "exists already", "--force", output: "old.safetensors")
    try refuse(input, ["--dtype", "f32"], status: 73, "exists", output: "dev.safetensors")
    try refuse(input, [], status: 73, "there is no folder", output: "nowhere/out.safetensors")
    let kept = try folder.makeFolder("kept")
    try folder.write(Array("my own".utf8), to: "kept/notes.txt")
    try refuse(input, Self.diffusers, status: 73, "exists", output: "kept")
    try refuse(input, Self.diffusers + ["--force"], status: 73, "notes.txt", output: "kept")
    #expect(try contents(of: kept.appending("notes.txt")) == Array("my own".utf8))
    #expect(try contents(of: file("old.safetensors")) == Array("old".utf8))
  }

  @Test("nothing that --force allows: the input itself, under any of its names, is replaced whole")
  func outputOverInput() throws {
    let original = try contents(of: input)
    let reference = try command.run(
      [input.string, "--output", file("reference.safetensors").string] + Self.diffusers)
    #expect(reference.status == 0)
    let expected = try contents(of: file("reference.safetensors"))
    for name in ["same.safetensors", "hard.safetensors", "soft.safetensors"] {
      try folder.write(original, to: "same.safetensors")
      if name.hasPrefix("hard") { try folder.hardLink(name, to: "same.safetensors") }
      if name.hasPrefix("soft") { try folder.link(name, to: "same.safetensors") }
      let outcome = try command.run(
        [file("same.safetensors").string, "--output", file(name).string, "--force"]
          + Self.diffusers)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try contents(of: file(name)) == expected)
      if name != "same.safetensors" {
        #expect(try contents(of: file("same.safetensors")) == original)
      }
    }
  }

  @Test(
    "files that are no checkpoint, and says what they are",
    arguments: [
      ("<!DOCTYPE html><html></html>", "page.safetensors", "a web page"),
      (
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "lfs.safetensors",
        "git lfs pull"
      ),
      ("PK\u{3}\u{4}0000000000000000", "model.ckpt", "a zip archive"),
      ("PK\u{3}\u{4}0000000000000000", "model.safetensors", "a zip archive"),
      ("GGU", "short.gguf", "short.gguf"),
    ])
  func otherFiles(text: String, name: String, words: String) throws {
    try folder.write(Array(text.utf8), to: name)
    try refuse(file(name), [], status: 65, name, words)
  }

  @Test("PyTorch's archives, whatever they are called", arguments: ["model.ckpt", "a.safetensors"])
  func pickles(name: String) throws {
    try folder.write(torchArchive(), to: name)
    try refuse(file(name), [], status: 65, "a PyTorch pickle, which can run code when read")
  }

  @Test func filesThatAreCutOrMissing() throws {
    let whole = try contents(of: input)
    try folder.write(Array(whole.dropLast(100)), to: "cut.safetensors")
    try refuse(
      file("cut.safetensors"), [], status: 65, "truncated", "\(whole.count - 100)", "\(whole.count)"
    )
    try refuse(file("nowhere.safetensors"), [], status: 66, "nowhere.safetensors")
    let pipeline = try folder.makeFolder("empty")
    try refuse(pipeline, [], status: 66, "empty")
  }

  /// The first bytes decide, not the name.
  @Test func filesWithTheOtherContainersNameAreReadAsWhatTheyAre() throws {
    try folder.write(contents(of: input), to: "dev.gguf")
    let made = try command.run([
      file("dev.gguf").string, "--output", file("real.gguf").string, "--gguf", "bf16",
    ])
    if made.status != 0 {
      #expect(made.status == 65)
      #expect(made.errors.contains("dev.gguf") && made.errors.contains("safetensors"))
    }
    let gguf = try command.run([
      input.string, "--output", file("true.gguf").string, "--gguf", "bf16",
    ])
    #expect(gguf.status == 0)
    try folder.write(contents(of: file("true.gguf")), to: "gguf.safetensors")
    let back = try command.run([
      file("gguf.safetensors").string, "--output", file("back.safetensors").string,
      "--dtype", "bf16",
    ])
    #expect(back.status == 0, "\(back.errors)")
    #expect(
      try TensorSource(opening: file("back.safetensors")).tensor(named: "img_in.weight").floats()
        == TensorSource(opening: input).tensor(named: "img_in.weight").floats())
  }

  @Test(
    "weights packed in ways it does not read, by name",
    arguments: ["asym_w4a8_int8", "int8_tensorwise"])
  func comfyQuant(format: String) throws {
    let layer = "double_blocks.0.img_mod.lin"
    let note = Array("{\"format\": \"\(format)\"}".utf8)
    // Two numbers a byte, or one.
    let columns = format == "int8_tensorwise" ? 12 : 6
    let packed = try changed { views in
      views.filter { $0.name != layer + ".weight" } + [
        unsafe TensorView(
          name: layer + ".weight", dtype: .u8, shape: [72, columns],
          copying: [UInt8](repeating: 1, count: 72 * columns).span.bytes),
        TensorView(name: layer + ".weight_scale", shape: [], [1]),
        unsafe TensorView(
          name: layer + ".comfy_quant", dtype: .u8, shape: [note.count],
          copying: note.span.bytes),
      ]
    }
    try refuse(packed, ["--dtype", "bf16"], status: 65, format, layer)
    try refuse(packed, Self.diffusers, status: 65, format, layer)
    try refuse(packed, ["--gguf", "q8_0"], status: 65, format, output: "out.gguf")
    // Nothing has to be understood to copy it.
    let copied = try command.run([packed.string, "--output", file("copy.safetensors").string])
    #expect(copied.status == 0)
  }

  @Test func bitsandbytesByName() throws {
    let name = "double_blocks.0.img_mod.lin.weight"
    let packed = try changed { views in
      let bytes: (String, [UInt8]) -> TensorView = { name, bytes in
        unsafe TensorView(
          name: name, dtype: .u8, shape: [bytes.count, 1], copying: bytes.span.bytes)
      }
      return views.filter { $0.name != name } + [
        bytes(name, Array(repeating: 1, count: 432)),
        bytes(name + ".quant_state.bitsandbytes__nf4", Array("{}".utf8)),
        TensorView(name: name + ".absmax", shape: [1], [1]),
        TensorView(name: name + ".quant_map", shape: [16], Array(repeating: 0, count: 16)),
      ]
    }
    try refuse(packed, ["--dtype", "bf16"], status: 65, "bitsandbytes NF4")
    try refuse(packed, Self.diffusers, status: 65, "bitsandbytes NF4")
  }

  /// A limit on file sizes stands for a disk that is full: the same path, without a disk of its own.
  @Test(
    "a disk that is full, and leaves the old output",
    arguments: ["", "--compress", "--layout diffusers"])
  func fullDisk(options: String) throws {
    try folder.write(Array("old".utf8), to: "out.safetensors")
    let before = folder.entries
    // Blocks of 512 bytes.
    let outcome = try command.shell(
      "ulimit -f 20; exec \"$COMMAND\" '\(input)' --output '\(file("out.safetensors"))' --force "
        + options)
    #expect(outcome.status == 74, "\(outcome.errors)")
    #expect(outcome.errors.contains("out.safetensors"))
    #expect(folder.entries == before)
    #expect(try contents(of: file("out.safetensors")) == Array("old".utf8))
  }

  /// A file that takes long enough to be stopped.
  /// Zeros that take no space, and take long enough to convert for a signal to come in between.
  private func large() throws -> FilePath {
    let writer = try SafetensorsWriter(
      creating: file("large.safetensors"),
      tensors: [TensorDescription(name: "a", dtype: .f32, shape: [1 << 27])], metadata: [],
      isSparse: true, overwrite: false)
    writer.leaveZeros(tensor: 0)
    try writer.commit()
    return file("large.safetensors")
  }

  private static let slow = [
    "--force", "--dtype", "f8_e4m3", "--rounding", "stochastic:1", "--threads", "1",
  ]

  /// Starts a conversion over an old output, and sends a signal once it writes; whether that ended it.
  private func interrupt(_ input: FilePath, with signal: Int32) throws -> Bool {
    let before = folder.entries
    let running = try command.start(
      [input.string, "--output", file("out.safetensors").string] + Self.slow)
    _ = running.waits { folder.entries != before }
    running.send(signal)
    return try running.outcome().status == 128 + signal
  }

  @Test("to leave anything half-written when a signal ends it")
  func signals() throws {
    let input = try large()
    let old = Array("old".utf8)
    let done = try command.run(
      [input.string, "--output", file("out.safetensors").string] + Self.slow)
    #expect(done.status == 0)
    let new = try contents(of: file("out.safetensors"))
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGKILL] {
      var wasInterrupted = false
      for _ in 0..<20 where !wasInterrupted {
        try folder.write(old, to: "out.safetensors")
        let wasStopped = try interrupt(input, with: signal)
        let found = try contents(of: file("out.safetensors"))
        let isWhole = found == old || found == new
        #expect(isWhole)
        wasInterrupted = wasStopped && found == old
        let left = folder.entries.filter {
          ![input, self.input].map { $0.lastComponent?.string }.contains($0)
        }
        if signal != SIGKILL {
          #expect(left == ["out.safetensors"])
        } else {
          #expect(left.count <= 2)
        }
      }
      #expect(wasInterrupted, "signal \(signal)")
    }
    // The next run removes what the killed one left.
    let outcome = try command.run([
      input.string, "--output", file("out.safetensors").string, "--force",
    ])
    #expect(outcome.status == 0)
    #expect(folder.entries == ["dev.safetensors", "large.safetensors", "out.safetensors"])
  }
}
