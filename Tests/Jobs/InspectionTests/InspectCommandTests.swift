import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing
import Text

@Suite("glance-inspect")
struct InspectCommandTests {
  static let command = BuiltCommand("glance-inspect")
  let transformer = Fixtures.model("tiny-flux").appending("transformer").string
  let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors").string

  @Test func explainsAnAdapterOnOneScreen() throws {
    let run = try Self.command.run([adapter])
    #expect(run.status == 0)
    #expect(run.errors == "")
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 24)
    #expect(
      lines.dropFirst().prefix(8) == [
        "  LoRA adapter for FLUX.1", "", "  dialect     diffusers (PEFT names)",
        "  modules     20",
        "  targets     reference: attn.to_k ×6, attn.to_q ×6, attn.to_v ×6, attn.to_out.0 ×2",
        "  blocks      2 double, 4 single", "  rank        16",
        "  scale       4 = alpha 64 / rank 16 (from lora_adapter_metadata)",
      ])
  }

  @Test func printsOneJSONObject() throws {
    let run = try Self.command.run(["--json", transformer])
    #expect(run.status == 0)
    let object = try JSONValue(parsing: run.output)
    #expect(object["version"] == 1)
    #expect(object["family"] == "flux1")
    let two = try JSONValue(parsing: Self.command.run(["--json", transformer, adapter]).output)
    #expect(two["reports"]?.array?.compactMap { $0["kind"]?.string } == ["checkpoint", "lora"])
  }

  @Test func listsTensors() throws {
    let run = try Self.command.run([transformer, "--tensors", "x_embedder.*"])
    #expect(run.status == 0)
    #expect(run.output.contains("  x_embedder.weight  BF16   [96, 64]"))
    #expect(run.output.hasSuffix("  2 tensors\n"))
    let all = try Self.command.run([transformer, "--tensors"])
    #expect(all.output.hasSuffix("  140 tensors\n"))
  }

  @Test func checksSilentlyOrWithOneLineAViolation() throws {
    let sound = try Self.command.run(["--check", transformer])
    #expect(sound.status == 0)
    #expect(sound.output == "\(transformer): headers are sound\n")
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.safetensors")
    let source = try SafetensorsFile(
      opening: Fixtures.model("tiny-flux").appending("transformer")
        .appending("diffusion_pytorch_model.safetensors"))
    try writeSafetensors(Array(source.tensors.dropLast(2)), to: path, overwrite: false)
    let broken = try Self.command.run(["--check", path.string])
    #expect(broken.status == 65)
    #expect(broken.output == "")
    let missing = source.tensors.suffix(2).map(\.name).sorted()
    #expect(broken.errors.split(separator: "\n").count == 2)
    for name in missing {
      #expect(broken.errors.contains("glance-inspect: \(path): tensor '\(name)' "))
    }
  }

  @Test func aMissingFileEndsWith66AndTheOthersAreExplained() throws {
    let run = try Self.command.run(["/nowhere/x.safetensors", adapter])
    #expect(run.status == 66)
    #expect(run.errors.hasPrefix("glance-inspect: /nowhere/x.safetensors: cannot open: "))
    #expect(run.output.contains("LoRA adapter"))
  }

  @Test func untrustedTextIsEscaped() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.safetensors")
    try writeSafetensors(
      [TensorView(name: "x\u{1B}[2J\u{202E}y", shape: [1], [1])],
      metadata: [("k\u{7}", "v\u{9B}")], to: path, overwrite: false)
    for arguments in [[path.string, "--tensors"], ["--json", path.string], ["-v", path.string]] {
      let run = try Self.command.run(arguments)
      #expect(run.status == 0)
      for scalar in (run.output + run.errors).unicodeScalars where scalar != "\n" {
        #expect(!scalar.isUnsafeOnTerminals)
      }
    }
  }

  static let comparable = Fixtures.folder.appending("inspection")
  let changed = comparable.appending("changed.safetensors").string
  let base = comparable.appending("bfl.safetensors").string

  @Test func statisticsAreListedAndTheSameForAnyThreads() throws {
    let arguments = [base, "--stats", "--tensors", "img_in.*"]
    let run = try Self.command.run(arguments, environment: ["LC_ALL": "C.UTF-8"])
    #expect(run.status == 0)
    #expect(run.errors == "")
    #expect(run.output.contains("  img_in.weight  F32    [8, 64]  ["))
    #expect(run.output.contains("█"))
    let plain = try Self.command.run(arguments, environment: ["LC_ALL": "C"])
    #expect(plain.output.contains("@") && !plain.output.contains("█"))
    let one = try Self.command.run(["--json", base, "--stats", "--threads", "1"])
    let many = try Self.command.run(["--json", base, "--stats", "--threads", "7"])
    #expect(one.output == many.output)
    let list = try JSONValue(parsing: one.output)["tensor_list"]?.array ?? []
    #expect(list.count == 52)
    #expect(list.allSatisfy { $0["stats"]?["histogram"]?.array?.count == 16 })
  }

  @Test func aLoaderIsSimulated() throws {
    let run = try Self.command.run([adapter, "--as", "comfyui"])
    #expect(run.status == 0)
    #expect(run.output.contains("  loaded by ComfyUI"))
    #expect(run.output.contains("modules       20 of 20"))
    #expect(run.output.contains("warning: scale 1 is applied to 20 modules"))
    let object = try JSONValue(
      parsing: Self.command.run([adapter, "--as", "kohya", "--json"]).output)
    #expect(object["loader"]?["loaded"] == 0)
    #expect(try Self.command.run([adapter, "--as", "nobody"]).status == 64)
    let checkpoint = try Self.command.run([base, "--as", "diffusers"])
    #expect(checkpoint.status == 65)
    #expect(checkpoint.errors.contains("not an adapter"))
  }

  @Test func whatDoesNotFitEndsWith65() throws {
    let fits = try Self.command.run([adapter, "--against", transformer])
    #expect(fits.status == 0)
    #expect(fits.output.contains("20 of 20 fit"))
    let misfit = try Self.command.run([adapter, "--against", base])
    #expect(misfit.status == 65)
    #expect(misfit.output.contains("fits         no"))
    #expect(try Self.command.run([base, "--against", "/nowhere"]).status == 66)
  }

  @Test func differencesAndTheirAbsenceAreSaidInWords() throws {
    let run = try Self.command.run([changed, "--diff", base])
    #expect(run.status == 0)
    #expect(run.output.contains("  identical   49 tensors\n  changed     3 tensors\n"))
    #expect(run.output.contains("1 not finite"))
    let same = try Self.command.run([base, "--diff", base])
    #expect(same.status == 0)
    #expect(same.output.contains("identical  52 tensors, all with the same bytes"))
    let adapters = try Self.command.run([adapter, "--diff", adapter])
    #expect(adapters.output.contains("identical  yes: every module changes in the same way"))
    #expect(try Self.command.run([adapter, "--diff", base]).status == 65)
  }

  @Test func aPageIsWrittenOnceAndEscaped() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("<b>.safetensors")
    try writeSafetensors(
      [TensorView(name: "<script>alert(1)</script>\u{1B}[2J", shape: [3], [1, 2, 3])],
      metadata: [("k", "<img src=x onerror=y>")], to: path, overwrite: false)
    let page = folder.path.appending("report.html")
    let arguments = [path.string, "--stats", "--html", page.string]
    let run = try Self.command.run(arguments)
    #expect(run.status == 0)
    #expect(run.errors == "glance-inspect: wrote \(page)\n")
    let text = try Fixtures.text(page)
    #expect(text.hasPrefix("<!DOCTYPE html>"))
    for part in ["<script", "<img", "<b>", "\u{1B}"] { #expect(!text.contains(part)) }
    #expect(text.contains("&lt;script&gt;") && text.contains("<svg class=\"bars\""))
    #expect(try Self.command.run(arguments).status == 73)
    #expect(try Self.command.run(arguments + ["--force", "--quiet"]).status == 0)
    #expect(folder.entries == ["<b>.safetensors", "report.html"])
    #expect(try Self.command.run([path.string, base, "--html", page.string]).status == 64)
  }

  @Test("lines are no longer than the terminal", arguments: ["60", "80"])
  func narrowTerminals(columns: String) throws {
    for arguments in [
      [base, "--stats"], [base, "--tensors"], [changed, "--diff", base],
      [adapter, "--as", "comfyui"], [adapter, "--against", base], [adapter, "--diff", adapter],
    ] {
      let run = try Self.command.run(
        arguments, environment: ["COLUMNS": columns, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"])
      for line in run.output.split(separator: "\n") where !line.contains("/") {
        #expect(line.count <= Int(columns) ?? 0, "\(line)")
      }
      #expect(!run.output.contains("\u{1B}"))
    }
  }

  @Test func filesUnderAnotherFormatsNameAreToldOf() throws {
    let folder = try TemporaryFolder()
    let bytes = try contents(of: FilePath(base))
    for name in ["a.gguf", "a.png", "a.ckpt"] {
      let path = try folder.write(bytes, to: name).string
      let run = try Self.command.run([path])
      #expect(run.status == 0)
      #expect(run.output.contains("the content is safetensors"))
    }
    let page = try folder.write(Array("<html>".utf8), to: "a.safetensors").string
    #expect(try Self.command.run([page]).errors.contains("a web page, not a checkpoint"))
    let cut = try folder.write(Array(bytes.dropLast(1000)), to: "b.safetensors").string
    let run = try Self.command.run([cut])
    #expect(run.status == 65)
    #expect(run.errors.contains("truncated: \(bytes.count - 1000) of \(bytes.count) bytes"))
  }

  @Test func helpHasExamplesAndTheVersionIsNamed() throws {
    let help = try Self.command.run(["--help"])
    #expect(help.status == 0)
    #expect(help.output.contains("EXAMPLES:"))
    #expect(try Self.command.run(["--version"]).output.hasPrefix("glance-inspect "))
    #expect(try Self.command.run(["--check", "--diff", adapter, adapter]).status == 64)
    let check = try Self.command.run(["--check", "--json", adapter])
    #expect(check.status == 0)
    #expect(try JSONValue(parsing: check.output)["problems"] != nil)
  }

  /// Loading OpenBLAS would cost milliseconds at start and a pool of threads.
  @Test func doesNotLoadOpenBLAS() throws {
    let run = try Self.command.shell("LD_DEBUG=libs $COMMAND '\(adapter)'")
    #expect(run.status == 0)
    #expect(run.errors.contains("find library=libc.so.6"))
    #expect(!run.errors.contains("blas"))
  }
}
