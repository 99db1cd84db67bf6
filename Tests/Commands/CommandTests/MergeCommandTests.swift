import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("glance-merge")
struct MergeCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-merge")
  private let base = MergeInputs.base
  private let adapter = MergeInputs.adapter
  private let other = MergeInputs.other

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func run(_ arguments: String...) throws -> BuiltCommand.Outcome {
    try command.run(arguments)
  }

  /// Runs what must succeed.
  @discardableResult
  private func done(_ arguments: String...) throws -> String {
    let outcome = try command.run(arguments)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome.output
  }

  private func tensors(_ name: String) throws -> [String: [Float]] {
    let source = try SafetensorsFile(opening: FilePath(path(name)))
    return Dictionary(uniqueKeysWithValues: source.tensors.map { ($0.name, $0.floats()) })
  }

  // MARK: Baking

  @Test("what --verify reads back is every byte of every output")
  func verifies() throws {
    let arguments = [base, adapter, "--reversible", "--output"]
    #expect(try command.run(arguments + [path("plain.safetensors")]).status == 0)
    let outcome = try command.run(arguments + [path("verified.safetensors"), "--verify"])
    #expect(outcome.status == 0)
    let merged = try contents(of: FilePath(path("verified.safetensors")))
    #expect(try contents(of: FilePath(path("plain.safetensors"))) == merged)
    let undo = try contents(of: FilePath(path("verified.undo.safetensors")))
    #expect(
      outcome.errors.filter { $0 != "," }.contains(
        "glance-merge: read back \(merged.count + undo.count) bytes from the disk all as written\n")
    )
  }

  @Test func tellsWhatSurvived() throws {
    let outcome = try run(base, adapter, "--output", path("m.safetensors"))
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines[0].hasPrefix("module"), "\(outcome.output)")
    #expect(lines[0].contains("norm") && lines[0].contains("unchanged"))
    #expect(outcome.output.contains("wrote \(path("m.safetensors")): "))
    #expect(
      outcome.output.contains(
        "m.safetensors: what changed is the adapter, nearly without rounding noise (cosine 0.99"))
    #expect(folder.entries == ["m.safetensors"])
  }

  @Test func verboseShowsEveryModule() throws {
    let short = try done(base, adapter, "--output", path("a.safetensors"))
    let long = try done(base, adapter, "--output", path("b.safetensors"), "--verbose")
    let count = { (text: String) in text.split(separator: "\n").count }
    #expect(short.contains("--verbose shows all") && count(long) > count(short))
  }

  @Test func jsonIsOneDocumentedObject() throws {
    let text = try done(
      base, "slow=\(adapter):0.5", "--phase", "slow", "--json", "--output", path("m.safetensors"))
    let json = try JSONValue(parsing: text)
    #expect(json["format"] == "glance-merge/1" && json["dry_run"] == false)
    let output = try #require(json["outputs"]?.array?.first)
    #expect(json["outputs"]?.array?.count == 1)
    #expect(output["output"]?.string == path("m.safetensors"))
    #expect(output["undo"] == .null && output["left_out"]?.array?.isEmpty == true)
    #expect(output["verdict"] == "survives")
    for key in ["norm", "cosine", "gain", "unchanged"] {
      #expect(output["total"]?[key]?.double != nil, "\(key)")
    }
    let module = try #require(output["modules"]?.array?.first)
    #expect(module["module"]?.string?.contains("transformer_blocks") == true)
    #expect((module["survival"]?["cosine"]?.double ?? 0) > 0.9)
  }

  @Test func dryRunWritesNothing() throws {
    let text = try done(
      base, adapter + ":0.25", "--dry-run", "--reversible", "--output", path("m.safetensors"))
    #expect(text.contains("writes \(path("m.safetensors"))") && text.contains("0.25"))
    let json = try JSONValue(
      parsing: done(base, adapter, "--dry-run", "--json", "--output", path("m.safetensors")))
    #expect(json["format"] == "glance-merge-plan/1" && json["dry_run"] == true)
    let output = try #require(json["outputs"]?.array?.first)
    #expect((output["bytes"]?.double ?? 0) > 2_000_000)
    #expect(output["adapters"]?.array?.first?["strength"]?.double == 1)
    #expect((output["modules"]?.array?.count ?? 0) > 10)
    for more in [
      ["--phase", "both"], ["--gguf", "q8_0"], ["--compress"], ["--shard-size", "1MB"],
    ] {
      let experts = more[0] == "--phase" ? ["slow=" + adapter, "fast=" + adapter] : [adapter]
      let output = path(more[0] == "--gguf" ? "x.gguf" : "x")
      let outcome = try command.run([base] + experts + ["--dry-run", "--output", output] + more)
      #expect(outcome.status == 0, "\(more): \(outcome.errors)")
    }
    try done("--mode", "adapter", adapter, "--dry-run", "--output", path("a.safetensors"))
    #expect(folder.entries.isEmpty)
  }

  @Test func adaptersOfDifferentPhasesAreNotAddedUp() throws {
    for mode in [[base], ["--mode", "adapter"]] {
      let outcome = try command.run(
        mode + ["slow=" + adapter, "fast=" + adapter, "--output", path("x.safetensors")])
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("fast, slow") && outcome.errors.contains("--phase"))
    }
    #expect(folder.entries.isEmpty)
  }

  @Test func optionsThatMakeNoSenseTogetherAreRefused() throws {
    for options in [
      ["--scaled", "--dtype", "bf16"], ["--gguf", "q8_0", "--rounding", "stochastic:1"],
      ["--resize-rank", "4"],
    ] {
      let outcome = try command.run([base, adapter, "--output", path("x.safetensors")] + options)
      #expect(outcome.status == 64, "\(options): \(outcome.errors)")
      #expect(outcome.errors.contains(options[options.count > 2 && options[0] == "--gguf" ? 2 : 0]))
    }
    #expect(folder.entries.isEmpty)
  }

  @Test func pipelinesGiveAFileWhereTheOutputIsOne() throws {
    let pipeline = Fixtures.model("tiny-flux")
    try done(pipeline.string, adapter, "--output", path("alone.safetensors"))
    try done(base, adapter, "--output", path("file.safetensors"))
    #expect(try tensors("alone.safetensors") == tensors("file.safetensors"))
  }

  @Test func outputsInsideTheBaseAreRefused() throws {
    let pipeline = folder.path.appending("pipeline")
    let copied = try command.shell(
      "cp -r '\(Fixtures.model("tiny-flux"))' '\(pipeline)' && $COMMAND '\(pipeline)' '\(adapter)' "
        + "--output '\(pipeline)/merged'")
    #expect(copied.status == 64)
    #expect(copied.errors.contains("inside the base"))
  }

  @Test func aMergeOfAnotherTypeIsUndoneOnlyFromItself() throws {
    try done(
      base, adapter, "--dtype", "f32", "--reversible", "--output", path("merged.safetensors"))
    try done(base, adapter + ":0.5", "--dtype", "f32", "--output", path("other.safetensors"))
    let outcome = try command.run([
      path("other.safetensors"), "--undo", path("merged.undo.safetensors"), "--output",
      path("base.safetensors"),
    ])
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("merged.safetensors"))
    try done(
      path("merged.safetensors"), "--undo", path("merged.undo.safetensors"), "--output",
      path("base.safetensors"))
    #expect(try tensors("base.safetensors").count > 0)
  }

  @Test func aSecondMergeKeepsWhatTheFirstSaid() throws {
    try done(base, adapter, "--output", path("one.safetensors"))
    try done(path("one.safetensors"), adapter + ":0.5", "--output", path("two.safetensors"))
    let metadata = try SafetensorsFile(opening: folder.path.appending("two.safetensors")).metadata
    let earlier = try #require(metadata["glance.merged_earlier"])
    let first = try #require(try JSONValue(parsing: earlier)["glance.merged"]?.string)
    #expect(try JSONValue(parsing: first).array?.first?["strength"]?.double == 1)
  }

  @Test func strengthsAreOfTheFileOrOfAll() throws {
    try done(base, adapter + ":0.5", "--dtype", "f32", "--output", path("a.safetensors"))
    try done(
      base, adapter, "--scale", "0.5", "--dtype", "f32", "--output", path("b.safetensors"))
    try done(
      base, adapter + ":0.75", adapter + ":-0.25", "--dtype", "f32", "--output",
      path("c.safetensors"))
    let (a, b, c) = (
      try tensors("a.safetensors"), try tensors("b.safetensors"), try tensors("c.safetensors")
    )
    #expect(a == b)
    for (name, values) in a {
      #expect(relativeError(c[name] ?? [], values) < 1e-7, "\(name)")
    }
    try done(base, adapter, "--scale=-1", "--dtype", "f32", "--output", path("d.safetensors"))
    #expect(try tensors("d.safetensors") != a)
  }

  @Test(
    "writes every form",
    arguments: [
      ["m.safetensors", "--dtype", "bf16"], ["m.safetensors", "--dtype", "f8_e4m3"],
      ["m.safetensors", "--dtype", "f8_e4m3", "--scaled"], ["m.gguf", "--gguf", "q8_0"],
      ["m.gguf", "--gguf", "auto"], ["m", "--shard-size", "1MB"],
      ["m.safetensors", "--compress"], ["m.safetensors", "--rounding", "stochastic:7"],
      ["m.safetensors", "--rounding", "feedback"], ["m.safetensors", "--threads", "1"],
    ])
  func forms(options: [String]) throws {
    let outcome = try command.run(
      [base, adapter, "--quiet", "--output", path(options[0])] + options.dropFirst())
    #expect(outcome.status == 0, "\(outcome.errors)")
    let inspected = try BuiltCommand("glance-inspect").run(["--json", path(options[0])])
    #expect(inspected.status == 0, "\(inspected.errors)")
    #expect(try JSONValue(parsing: inspected.output)["family"] == "flux1")
    #expect(folder.entries == [options[0]])
  }

  @Test func minimumSurvivalRefusesWithAdvice() throws {
    let outcome = try run(
      base, adapter + ":0.001", "--min-survival", "0.99", "--output", path("m.safetensors"))
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("--min-survival") && outcome.errors.contains("--mode bundle"))
    #expect(folder.entries.isEmpty)
  }

  @Test func reversibleMergesAreUndone() throws {
    try done(base, adapter, "--reversible", "--output", path("m.safetensors"))
    #expect(folder.entries == ["m.safetensors", "m.undo.safetensors"])
    try done(
      path("m.safetensors"), "--undo", path("m.undo.safetensors"), "--output",
      path("b.safetensors"))
    #expect(
      try contents(of: folder.path.appending("b.safetensors")) == contents(of: FilePath(base)))
    let wrong = try run(
      base, "--undo", path("m.undo.safetensors"), "--output", path("c.safetensors"))
    #expect(wrong.status == 65 && !folder.entries.contains("c.safetensors"))
    #expect(wrong.errors.contains("m.safetensors"), "\(wrong.errors)")
  }

  @Test func bothPhasesOfFiles() throws {
    let outcome = try run(
      base, "slow=" + adapter, "fast=\(adapter):0.5", "--phase", "both", "--output", path("both"))
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("difference"), "\(outcome.errors)")
    let whole = try BuiltCommand("glance-convert").run(
      [path("both/fast.safetensors"), "--output", path("fast.safetensors")])
    #expect(whole.status == 0, "\(whole.errors)")
    try done(
      base, "fast=\(adapter):0.5", "--phase", "fast", "--output", path("alone.safetensors"))
    #expect(try tensors("fast.safetensors") == tensors("alone.safetensors"))
    try done(
      base, "slow=" + adapter, "fast=" + adapter, "--phase", "both", "--whole", "--force",
      "--output", path("both"))
    #expect(try tensors("both/slow.safetensors") == tensors("both/fast.safetensors"))
  }

  @Test func pipelineLinksComponents() throws {
    try done(
      Fixtures.model("tiny-flux").string, adapter, "--output", path("one"), "--quiet")
    try done(path("one"), adapter, "--link", "--output", path("two"), "--quiet")
    let same = try command.shell(
      "test \(path("one/vae/config.json")) -ef \(path("two/vae/config.json"))")
    #expect(same.status == 0)
    let inspected = try BuiltCommand("glance-inspect").run(["--json", path("two")])
    #expect(inspected.status == 0, "\(inspected.errors)")
  }

  // MARK: Failures

  @Test func statusesSayWhatKindOfFailure() throws {
    func expect(
      _ status: Int32, _ text: String, _ arguments: String...,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let before = folder.entries
      let outcome = try command.run(arguments)
      #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
      #expect(
        outcome.errors.contains(text), "\(outcome.errors)", sourceLocation: sourceLocation)
      #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
      #expect(folder.entries == before, sourceLocation: sourceLocation)
    }
    let output = path("m.safetensors")
    try expect(64, "output", base, adapter)
    try expect(64, "at least one adapter", base, "--output", output)
    try expect(64, "for baking", "--mode", "adapter", adapter, "--gguf", "q8_0", "--output", output)
    try expect(64, "two adapters", "--mode", "compare", adapter)
    try expect(64, "one bundle", "--mode", "split", adapter, adapter, "--output", output)
    try expect(64, "rounding", base, adapter, "--rounding", "up", "--output", output)
    try expect(64, "min-survival", base, adapter, "--min-survival", "2", "--output", output)
    try expect(64, "energy", "--mode", "adapter", adapter, "--energy", "2", "--output", output)
    try expect(64, "rank", base, "--extract", base, "--rank", "0", "--output", output)
    try expect(64, "dialect", "--mode", "adapter", adapter, "--dialect", "x", "--output", output)
    try expect(64, "scale", base, adapter, "--scale", "nan", "--output", output)
    try expect(64, "finite strength", base, adapter + ":inf", "--output", output)
    try expect(
      64, "one checkpoint", base, adapter, "--undo", adapter, "--output", output)
  }

  @Test func missingDamagedAndForbiddenFiles() throws {
    func status(_ arguments: String...) throws -> (Int32, String) {
      let outcome = try command.run(arguments)
      return (outcome.status, outcome.errors)
    }
    let output = path("m.safetensors")
    let missing = try status(path("none.safetensors"), adapter, "--output", output)
    #expect(missing.0 == 66 && missing.1.contains("none.safetensors"), "\(missing)")
    let absent = try status(base, path("none.safetensors"), "--output", output)
    #expect(absent.0 == 66 && absent.1.contains("none.safetensors"), "\(absent)")
    let family = try status(base, other, "--output", output)
    #expect(family.0 == 65 && family.1.contains("Qwen-Image"), "\(family)")
    let phase = try status(base, adapter, "--phase", "slow", "--output", output)
    #expect(phase.0 == 65 && phase.1.contains("slow=FILE"), "\(phase)")
    let damaged = try folder.write([1, 2, 3], to: "damaged.safetensors").string
    #expect(try status(base, damaged, "--output", output).0 == 65)
    #expect(try status(damaged, adapter, "--output", output).0 == 65)
    try folder.write([1], to: "m.safetensors")
    #expect(try status(base, adapter, "--output", output).0 == 73)
    #expect(try contents(of: FilePath(output)) == [1])
    #expect(try status(base, adapter, "--output", path("no/m.safetensors")).0 == 73)
    #expect(try status(base, adapter, "--force", "--output", output).0 == 0)
    let full = try command.shell(
      "ulimit -f 100; \"$COMMAND\" \(base) \(adapter) --output \(path("full.safetensors"))")
    #expect(full.status == 74, "\(full.errors)")
    #expect(folder.entries == ["damaged.safetensors", "m.safetensors"])
  }

  @Test func partialNamesWhatIsLeftOut() throws {
    let model = try SafetensorsFile(opening: FilePath(adapter))
    var views = model.tensors
    for tensor in model.tensors.prefix(2) {
      let name = tensor.name.replacing("_blocks.0.", with: "_blocks.17.")
      if name != tensor.name { views.append(tensor.named(name)) }
    }
    #expect(views.count > model.tensors.count)
    let file = folder.path.appending("odd.safetensors")
    try writeSafetensors(views, to: file, overwrite: false)
    let refused = try run(base, file.string, "--output", path("m.safetensors"))
    #expect(refused.status == 65 && refused.errors.contains("blocks.17."), "\(refused.errors)")
    let passed = try run(base, file.string, "--partial", "--output", path("m.safetensors"))
    #expect(passed.status == 0)
    #expect(passed.errors.contains("left out") && passed.errors.contains("blocks.17."))
  }

  // MARK: Adapters of adapters

  @Test func adaptersOfAdapters() throws {
    let text = try done(
      "--mode", "adapter", adapter + ":0.7", adapter + ":0.3", "--output", path("ab.safetensors"),
      "--json")
    let json = try JSONValue(parsing: text)
    #expect(json["format"] == "glance-merge-adapter/1")
    #expect((json["modules"]?.double ?? 0) > 10)
    let small = try JSONValue(
      parsing: done(
        "--mode", "adapter", adapter, "--resize-rank", "2", "--dialect", "kohya", "--alpha",
        "tensor", "--output", path("small.safetensors"), "--json"))
    #expect(small["ranks"] == [2])
    #expect((small["energy_kept"]?.double ?? 0) > 0.2)
    try done(
      "--mode", "adapter", adapter, "--energy", "0.9", "--dtype", "bf16", "--output",
      path("energy.safetensors"))
    let compared = try JSONValue(
      parsing: done("--mode", "compare", adapter, path("ab.safetensors"), "--json"))
    #expect(compared["format"] == "glance-merge-compare/1")
    #expect(compared["verdict"] == "same")
    #expect(abs((compared["cosine"]?.double ?? 0) - 1) < 1e-6)
    let table = try done("--mode", "compare", adapter, path("small.safetensors"))
    #expect(table.contains("cosine") && table.contains("shared outputs"))
  }

  @Test func bundlesGoEverywhere() throws {
    let bundle = path("bundle.safetensors")
    try done(
      "--mode", "bundle", "slow=" + adapter, "fast=\(adapter):0.5", "--output", bundle)
    try done(base, bundle, "--phase", "fast", "--dtype", "f32", "--output", path("a.safetensors"))
    try done(base, adapter + ":0.5", "--dtype", "f32", "--output", path("b.safetensors"))
    let (a, b) = (try tensors("a.safetensors"), try tensors("b.safetensors"))
    for (name, values) in b { #expect(relativeError(a[name] ?? [], values) < 1e-7, "\(name)") }
    try done(
      "--mode", "adapter", "--phase", "slow", bundle, "--output", path("slow.safetensors"))
    let compared = try JSONValue(
      parsing: done("--mode", "compare", adapter, path("slow.safetensors"), "--json"))
    #expect((compared["difference"]?.double ?? 1) < 1e-14)
    try done("--mode", "split", bundle, "--output", path("experts"))
    let split = try JSONValue(
      parsing: done(
        "--mode", "split", bundle, "--force", "--json", "--output", path("experts")))
    #expect(split["outputs"]?.array?.count == 2)
    let planned = try JSONValue(
      parsing: done(
        "--mode", "bundle", "slow=" + adapter, "--dry-run", "--json", "--output",
        path("n.safetensors")))
    #expect(planned["format"] == "glance-merge-bundle/1" && !folder.entries.contains("n"))
    #expect(planned["experts"]?.array?.first?["phase"] == "slow")
    let inspected = try BuiltCommand("glance-inspect").run(["--json", bundle])
    #expect(inspected.status == 0, "\(inspected.errors)")
    let converted = try BuiltCommand("glance-convert").run(
      [
        path("experts/bundle-fast.safetensors"), "--dialect", "kohya", "--output",
        path("k.safetensors"),
      ])
    #expect(converted.status == 0, "\(converted.errors)")
  }

  @Test func extractionGivesWhatInspectFindsEqual() throws {
    try done(base, adapter, "--dtype", "f32", "--output", path("tuned.safetensors"))
    try done(
      base, "--extract", path("tuned.safetensors"), "--rank", "16", "--output",
      path("found.safetensors"))
    try done(
      base, "--extract", path("tuned.safetensors"), "--targets", "attn.to_q", "--dry-run",
      "--output", path("never.safetensors"))
    #expect(!folder.entries.contains("never.safetensors"))
    let difference = try BuiltCommand("glance-inspect").run(
      ["--diff", path("found.safetensors"), adapter, "--json"])
    #expect(difference.status == 0, "\(difference.errors)")
    let compared = try JSONValue(
      parsing: done("--mode", "compare", adapter, path("found.safetensors"), "--json"))
    let norm = compared["norm_a"]?.double ?? 0
    #expect(norm > 0 && (compared["difference"]?.double ?? 1) < 1e-4 * norm)
    let changed = try BuiltCommand("glance-inspect").run(
      ["--diff", base, path("tuned.safetensors")])
    #expect(changed.status == 0 && changed.output.contains("to_q"), "\(changed.output)")
  }
}
