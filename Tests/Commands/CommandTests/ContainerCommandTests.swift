import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files and folders as they are met: wrapped, split, saved by other programs, of other kinds.
@Suite("Containers as they are met")
struct ContainerCommandTests {
  private let folder: TemporaryFolder
  private let convert = BuiltCommand("glance-convert")
  private let inspect = BuiltCommand("glance-inspect")

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> FilePath { folder.path.appending(name) }

  /// Converts what must succeed; what it wrote to standard error.
  @discardableResult
  private func done(
    _ input: FilePath, _ output: String, _ options: String...
  ) throws -> String {
    let run = try convert.run([input.string, "--output", file(output).string] + options)
    #expect(run.status == 0, "\(run.errors)")
    return run.errors
  }

  /// Writes a tiny Qwen-Image under changed names; its plain file is `plain.safetensors`.
  private func write(_ name: String, _ rename: (String) -> String) throws {
    if !folder.entries.contains("plain.safetensors") {
      try TinyModel.qwen[0].write(to: file("plain.safetensors"))
    }
    let plain = try SafetensorsFile(opening: file("plain.safetensors"))
    try writeSafetensors(
      plain.tensors.map { $0.named(rename($0.name)) }, metadata: plain.metadata, to: file(name),
      overwrite: false)
  }

  private func tensors(_ name: String) throws -> [String: [Float]] {
    let source = try SafetensorsFile(opening: file(name))
    return Dictionary(uniqueKeysWithValues: source.tensors.map { ($0.name, $0.floats()) })
  }

  @Test("no output takes the place of one of the input's files, and no part is compared as a whole")
  func parts() throws {
    try TinyModel.qwen[0].write(to: file("plain.safetensors"))
    let plain = try SafetensorsFile(opening: file("plain.safetensors")).tensors
    let half = plain.count / 2
    let names = ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"]
    try writeSafetensors(Array(plain[..<half]), to: file(names[0]), overwrite: false)
    try writeSafetensors(Array(plain[half...]), to: file(names[1]), overwrite: false)
    let before = try names.map { try TensorSource(opening: file($0)).tensors.count }
    for options in [[], ["--dtype", "f16"], ["--compress"]] {
      let run = try convert.run(
        [file(names[0]).string, "--output", file(names[1]).string, "--force"] + options)
      #expect(run.status == 64)
      #expect(
        run.errors.contains(
          "\(file(names[1])): is one of the input's 2 files, and the others would be worthless "
            + "without it; write to another place"), "\(run.errors)")
    }
    #expect(try names.map { try TensorSource(opening: file($0)).tensors.count } == before)
    folder.remove(names[1])
    for option in ["--diff", "--against"] {
      for paths in [["plain.safetensors", names[0]], [names[0], "plain.safetensors"]] {
        let run = try inspect.run([
          file(paths[0]).string, option, file(paths[1]).string,
        ])
        #expect(run.status == 65)
        #expect(run.errors.contains("part 1 of 2 of a checkpoint"), "\(run.errors)")
      }
    }
  }

  @Test("a difference to a wrapped model comes back from it")
  func differenceToWrapped() throws {
    try write("base.safetensors") { "_orig_mod." + $0 }
    try done(
      file("plain.safetensors"), "d.safetensors", "--delta-from", file("base.safetensors").string)
    try done(file("d.safetensors"), "back.safetensors")
    try done(file("d.safetensors"), "wide.safetensors", "--dtype", "f32")
    #expect(try tensors("back.safetensors") == tensors("plain.safetensors"))
    #expect(try tensors("wide.safetensors") == tensors("plain.safetensors"))
    let run = try inspect.run([
      file("d.safetensors").string, "--diff", file("plain.safetensors").string,
    ])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test("a difference isn't written in the place of its base")
  func baseKept() throws {
    try write("base.safetensors") { $0 }
    let base = file("base.safetensors").string
    try done(file("plain.safetensors"), "d.safetensors", "--delta-from", base)
    for options in [["--dtype", "f16"], ["--base", base], []] {
      let run = try convert.run(
        [file("d.safetensors").string, "--output", base, "--force"] + options)
      #expect(run.status == 64)
      let words = "is the base of the input, which would be lost with it"
      #expect(run.errors.contains(words), "\(run.errors)")
    }
    #expect(try tensors("base.safetensors") == tensors("plain.safetensors"))
  }

  @Test("what torch.compile leaves in names is seen through", arguments: [true, false])
  func compiled(isWhole: Bool) throws {
    try write("wrapped.safetensors") { name in
      isWhole
        ? "_orig_mod." + name
        : name.replacing("transformer_blocks.0.", with: "transformer_blocks.0._orig_mod.")
    }
    let errors = try done(
      file("wrapped.safetensors"), "out.safetensors", "--layout", "diffusers")
    let count = isWhole ? 77 : 32
    #expect(
      errors
        == "glance-convert: warning: \(file("wrapped.safetensors")): '_orig_mod.' in \(count) of "
        + "77 names is left by torch.compile and seen through\n")
    #expect(try tensors("out.safetensors") == tensors("plain.safetensors"))
    let run = try inspect.run([
      file("wrapped.safetensors").string, "--against",
      file("plain.safetensors").string,
    ])
    #expect(run.status == 0 && run.output.contains("Qwen-Image transformer"), "\(run.output)")
    #expect(run.output.contains("is left by torch.compile"))
  }

  @Test func aSwitchSurvivesGGUF() throws {
    let input = Fixtures.report("edit-2511-to-gguf", "in.safetensors")
    try done(input, "o.gguf", "--gguf", "q8_0")
    let report = try JSONValue(parsing: inspect.run(["--json", file("o.gguf").string]).output)
    #expect(report["variant"] == "edit-2511")
    try done(file("o.gguf"), "f", "--layout", "diffusers")
    let configuration = try JSONValue(parsing: Fixtures.text(file("f/config.json")))
    #expect(configuration["zero_cond_t"]?.bool == true)
  }

  @Test func partsOfAGGUFAreJoinedOrRefused() throws {
    for part in ["1", "2"] {
      let name = "qwen-0000\(part)-of-00002.gguf"
      let errors = try done(Fixtures.report("gguf-split", name), part + ".safetensors")
      #expect(errors.hasSuffix("one of 2 parts, read together with the others\n"))
      #expect(try tensors(part + ".safetensors").count == 45)
    }
    #expect(try tensors("1.safetensors") == tensors("2.safetensors"))
    let alone = file("qwen-00001-of-00002.gguf")
    try folder.write(
      contents(of: Fixtures.report("gguf-split", "qwen-00001-of-00002.gguf")),
      to: "qwen-00001-of-00002.gguf")
    let run = try convert.run([alone.string, "--output", file("x.safetensors").string])
    #expect(run.status == 65 && !folder.entries.contains("x.safetensors"))
    #expect(run.errors.contains("\(alone): part 1 of 2 of a split GGUF"), "\(run.errors)")
    let told = try inspect.run([alone.string])
    #expect(told.status == 0 && told.output.contains("part 1 of 2 of a split GGUF"))
  }

  @Test func aStaleIndexIsNamed() throws {
    try write("copy.safetensors") { $0 }
    try done(file("plain.safetensors"), "in", "--layout", "diffusers", "--shard-size", "14kB")
    let index = file("in/diffusion_pytorch_model.safetensors.index.json")
    let text = try Fixtures.text(index).replacing("-of-0000", with: "-of-0001")
    #expect(try Fixtures.text(index) != text)
    let descriptor = try FileDescriptor.open(index, .writeOnly, options: .truncate)
    try descriptor.closeAfter { _ = try descriptor.writeAll(text.utf8) }
    let run = try convert.run([file("in").string, "--output", file("o.safetensors").string])
    #expect(run.status == 65)
    #expect(run.errors.contains("the index is stale; without it the checkpoint is read"))
  }

  @Test func anAttachedAdapterIsNamedByEveryCommand() throws {
    try write("attached.safetensors") {
      $0.replacing("blocks.0.attn.to_q.", with: "blocks.0.attn.to_q.base_layer.")
    }
    let path = file("attached.safetensors").string
    let told = try inspect.run([path])
    #expect(told.output.contains("saved with an adapter attached"), "\(told.output)")
    #expect(!told.output.contains("is missing"))
    let adapter = Goldens.folder("qwen").appending("adapter.safetensors").string
    for run in [
      try convert.run([path, "--layout", "comfyui", "--output", file("c.safetensors").string]),
      try convert.run([path, "--dtype", "f16", "--output", file("c.safetensors").string]),
      try BuiltCommand("glance-merge").run([
        path, adapter, "--output", file("c.safetensors").string,
      ]),
      try BuiltCommand("glance-sample").run([
        "--model", Fixtures.model("tiny-qwen-image").string, "--transformer", path, "--prompt", "x",
        "--size", "96x96", "--output", file("c.png").string,
      ]),
    ] {
      #expect(run.status == 65, "\(run.errors)")
      #expect(run.errors.contains("saved with an adapter attached"), "\(run.errors)")
    }
  }

  @Test func modularPipelinesAreRead() throws {
    let tiny = Fixtures.model("tiny-flux")
    let model = try folder.makeFolder("m")
    for name in [
      "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "transformer",
      "vae",
    ] {
      try folder.link("m/" + name, to: tiny.appending(name).string)
    }
    let index = Fixtures.report("modular-pipeline-folder", "modular_model_index.json")
    try folder.write(contents(of: index), to: "m/modular_model_index.json")
    for path in [model, model.appending("modular_model_index.json")] {
      let told = try inspect.run([path.string])
      #expect(told.status == 0 && told.output.contains("FLUX.1 pipeline, FluxModularPipeline"))
      #expect(told.output.contains("FluxTransformer2DModel"))
    }
    try done(model, "t.safetensors", "--layout", "bfl")
    #expect(try tensors("t.safetensors")["img_in.weight"] != nil)
    for (name, arguments) in [
      (
        "glance-sample",
        ["--model", model.string, "--prompt", "x", "--size", "96x96", "--output", "p.png"]
      ),
      (
        "glance-merge",
        [
          model.string, Goldens.folder("flux").appending("adapter.safetensors").string, "--output",
          file("merged").string,
        ]
      ),
    ] {
      let run = try BuiltCommand(name).run(arguments + ["--dry-run"])
      #expect(run.status == 0, "\(name): \(run.errors)")
    }
  }

  @Test func filesOfPipelinesAreNamed() throws {
    let model = Fixtures.model("tiny-flux")
    let told = try inspect.run([model.appending("model_index.json").string])
    #expect(told.status == 0 && told.output.contains("FLUX.1 pipeline, FluxPipeline"))
    let configuration = try inspect.run([model.appending("vae/config.json").string])
    #expect(configuration.status == 65)
    #expect(configuration.errors.contains("a diffusers configuration of AutoencoderKL"))
    let vocabulary = try inspect.run([model.appending("tokenizer/vocab.json").string])
    #expect(vocabulary.errors.contains("a tokenizer's vocabulary of "))
  }

  @Test func sftIsOneFileAndPicklesAreNotWritten() throws {
    try write("a.safetensors") { $0 }
    try done(file("a.safetensors"), "b.sft", "--layout", "comfyui")
    #expect(try tensors("b.sft").count == 77)
    let adapter = Goldens.folder("flux").appending("adapter.safetensors")
    try done(adapter, "l.sft", "--dialect", "comfyui")
    #expect(try SafetensorsFile(opening: file("l.sft")).tensors.count > 0)
    let base = Fixtures.model("tiny-flux").appending("transformer").string
    for ending in ["bin", "pt", "pth", "ckpt"] {
      let output = ["--output", file("x.\(ending)").string]
      for run in [
        try convert.run([file("a.safetensors").string] + output),
        try convert.run([adapter.string] + output),
        try BuiltCommand("glance-merge").run([base, adapter.string] + output),
        try BuiltCommand("glance-merge").run([adapter.string, "--mode", "adapter"] + output),
      ] {
        #expect(run.status == 64)
        #expect(run.errors.contains("x.safetensors") || run.errors.contains(".safetensors file"))
      }
    }
    #expect(!folder.entries.contains { $0.hasPrefix("x.") })
  }

  @Test func undoFilesAreNamed() throws {
    let base = Fixtures.model("tiny-flux").appending(
      "transformer/diffusion_pytorch_model.safetensors")
    let adapter = Goldens.folder("flux").appending("adapter.safetensors")
    let merged = try BuiltCommand("glance-merge").run([
      base.string, adapter.string, "--reversible", "--output", file("rev.safetensors").string,
    ])
    #expect(merged.status == 0, "\(merged.errors)")
    let undo = file("rev.undo.safetensors")
    let told = try inspect.run(["--json", undo.string])
    let report = try JSONValue(parsing: told.output)
    #expect(report["container"] == "undo file of rev.safetensors")
    #expect(
      report["problems"]?.array?.first?["text"]?.string
        == "undo file of 'rev.safetensors', found beside it: what it describes is the base, which "
        + "glance-merge rev.safetensors --undo rev.undo.safetensors --output BASE gives back")
    let run = try convert.run([undo.string, "--output", file("b.safetensors").string])
    #expect(run.status == 65)
    #expect(
      run.errors
        == "glance-convert: \(undo): the undo file of 'rev.safetensors', not a checkpoint of "
        + "its own; glance-merge rev.safetensors --undo rev.undo.safetensors --output BASE gives the "
        + "base back\n")
    folder.remove("rev.safetensors")
    let alone = try inspect.run([undo.string])
    #expect(alone.output.contains("undo file of 'rev.safetensors', not found beside it"))
  }
}
