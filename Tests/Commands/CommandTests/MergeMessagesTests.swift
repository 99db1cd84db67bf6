import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("What glance-merge says")
struct MergeMessagesTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-merge")
  private let base = MergeInputs.base
  private let adapter = MergeInputs.adapter
  private let other = MergeInputs.other
  private let zero = Fixtures.folder.appending("reports")
    .appending("adapter_that_changes_nothing").appending("lora.safetensors").string

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  /// Runs it; answers the status and the last line of what it says of failures.
  private func failure(_ arguments: [String]) throws -> (status: Int32, line: String) {
    let outcome = try command.run(arguments + ["--output", path("x.safetensors")])
    #expect(outcome.output == "")
    return (outcome.status, outcome.errors.split(separator: "\n").last.map(String.init) ?? "")
  }

  // MARK: What survived

  /// The cosine is numpy's, of the base and the sums rounded to E4M3.
  @Test func aMergeThatIsMostlyNoiseIsCalledSo() throws {
    let output = path("m.safetensors")
    let run = try command.run(
      [base, adapter + ":0.01", "--dtype", "f8_e4m3", "--output", output])
    #expect(run.status == 0)
    #expect(
      run.output.hasSuffix(
        "wrote \(output): what changed is mostly rounding noise (cosine 0.1066)\n"),
      "\(run.output)")
    let json = try JSONValue(
      parsing: command.run(
        [base, adapter + ":0.01", "--dtype", "f8_e4m3", "--force", "--json", "--output", output]
      ).output)
    let merged = json["outputs"]?.array?.first
    #expect(merged?["verdict"] == "mostlyNoise")
    #expect(merged?["sentence"] == "what changed is mostly rounding noise (cosine 0.1066)")
  }

  @Test func anAdapterThatChangesNothingIsNotPerfect() throws {
    let output = path("m.safetensors")
    let run = try command.run([base, zero, "--output", output])
    #expect(run.status == 0)
    #expect(
      run.output.hasSuffix("wrote \(output): nothing changed: the adapters change nothing\n"))
    #expect(run.errors.contains("\(zero): changes nothing: every module's alpha or one of its"))
    let json = try JSONValue(
      parsing: command.run([base, zero, "--force", "--json", "--output", output]).output)
    let total = json["outputs"]?.array?.first?["total"]
    #expect(total?["cosine"] == .null && total?["gain"] == .null && total?["norm"]?.double == 0)
    let compared = try command.run(["--mode", "compare", zero, zero])
    #expect(
      compared.output.hasPrefix("nothing to weigh: at least one of them changes nothing\n"))
    #expect(compared.output.contains("shared outputs  -, shared inputs -"))
    let small = try command.run(
      ["--mode", "adapter", zero, "--resize-rank", "1", "--output", path("small.safetensors")])
    #expect(small.status == 0 && !small.output.contains("energy"), "\(small.output)")
  }

  @Test func aLimitIsSaidWithTheDigitsThatMatter() throws {
    let found = try failure(
      [base, adapter, "--dtype", "f16", "--min-survival", "0.99999"])
    #expect(found.status == 65)
    // The cosine is numpy's, of the base in bf16 and the sums in f16.
    #expect(
      found.line == "glance-merge: rounding to F16 leaves the adapter at a cosine of 0.99998, less "
        + "than --min-survival 0.99999; write f32 with --dtype, or keep the adapter beside the base "
        + "(--mode bundle)")
  }

  @Test("tables are no wider than the terminal", arguments: [60, 80])
  func narrowTerminals(columns: Int) throws {
    for arguments in [
      [base, adapter, "--output", path("m\(columns).safetensors")],
      ["--mode", "compare", adapter, adapter, "--verbose"],
    ] {
      let run = try command.run(arguments, environment: ["COLUMNS": "\(columns)"])
      #expect(run.status == 0)
      for line in run.output.split(separator: "\n")
      where !line.contains("/") && !line.hasPrefix("the same adapter") {
        #expect(line.count <= columns, "\(line)")
      }
    }
  }

  // MARK: What stands where

  @Test func theBaseComesFirst() throws {
    let found = try failure([adapter, base])
    #expect(found.status == 64)
    #expect(
      found.line == "glance-merge: the base comes first, and \(adapter) is an adapter: "
        + "glance-merge BASE \(adapter) …")
    let extraction = try failure([adapter, "--extract", base])
    #expect(
      extraction.line == "glance-merge: the base comes first, and \(adapter) is an adapter")
    let two = try failure([base, base])
    #expect(
      two.line == "glance-merge: \(base): a checkpoint (FLUX.1), expected an adapter; one base is "
        + "merged at a time, and --extract makes an adapter of a tuned checkpoint")
    let among = try failure(["--mode", "adapter", base, adapter])
    #expect(
      among.line == "glance-merge: \(base): a checkpoint (FLUX.1), expected an adapter; --mode "
        + "adapter takes no base")
  }

  @Test("a strength that is no number is told of", arguments: ["abc", "0,5", "1.0x"])
  func strengths(text: String) throws {
    let found = try failure([base, "\(adapter):\(text)"])
    #expect(found.status == 64)
    #expect(
      found.line == "glance-merge: \(adapter): strength '\(text)' is no number; expected one such "
        + "as \(adapter):0.8")
    let empty = try failure([base, adapter + ":"])
    #expect(
      empty.line == "glance-merge: \(adapter): no strength follows the colon; expected one such as "
        + "\(adapter):0.8")
  }

  @Test func namesWithColonsAndEqualSignsAreFiles() throws {
    try folder.write(contents(of: FilePath(adapter)), to: "a=b:2")
    let json = try JSONValue(
      parsing: command.run(
        [base, path("a=b:2"), "--dry-run", "--json", "--output", path("x.safetensors")]).output)
    let merged = json["outputs"]?.array?.first?["adapters"]?.array?.first
    #expect(merged?["file"]?.string == path("a=b:2") && merged?["strength"]?.double == 1)
  }

  @Test func adaptersForTwoFamiliesAreBothNamed() throws {
    for mode in ["adapter", "bundle"] {
      let found = try failure(["--mode", mode, "slow=" + adapter, "slow=" + other])
      #expect(found.status == 65)
      #expect(
        found.line == "glance-merge: \(other): an adapter for Qwen-Image, but \(adapter) is one "
          + "for FLUX.1")
    }
  }

  @Test func expertsOfOnePhaseAreBothNamed() throws {
    let copy = try folder.write(contents(of: FilePath(adapter)), to: "copy.safetensors").string
    let found = try failure(["--mode", "bundle", "slow=" + adapter, "slow=" + copy])
    #expect(found.status == 64)
    #expect(
      found.line == "glance-merge: \(adapter), \(copy): all serve phase 'slow', and a bundle has "
        + "one expert for each phase; say which serves which: slow=FILE fast=FILE")
    let nameless = try failure(["--mode", "bundle", "slow=" + adapter, copy])
    #expect(
      nameless.line == "glance-merge: \(copy): declares no phase, which every expert of a bundle "
        + "needs; say it: slow=FILE")
  }

  @Test func anOptionGivenTwiceIsRefused() throws {
    let found = try command.run(
      [base, adapter, "--phase", "slow", "--phase=fast", "--output", path("x")])
    #expect(found.status == 64)
    #expect(
      found.errors.hasPrefix(
        "glance-merge: --phase: given 2 times ('slow', 'fast'), takes one value; --phase both "
          + "takes slow and fast\n"), "\(found.errors)")
  }

  // MARK: What may not be meant

  @Test func whatMayNotBeMeantIsSaid() throws {
    let fast = try folder.write(contents(of: FilePath(adapter)), to: "cat-fast.safetensors")
    let cases: [([String], String)] = [
      (
        [base, adapter, adapter + ":0.5"], "\(adapter): given 2 times: its strengths add up to 1.5"
      ),
      (
        [base, adapter + ":1e9"],
        "\(adapter): strength 1000000000 is far beyond what adapters are made for (mostly 0 to 2)"
      ),
      ([base, adapter + ":0"], "\(adapter): changes nothing at strength 0"),
      (
        [base, "slow=\(fast)"],
        "\(fast): its name says 'fast', and it serves 'slow' as the command line says"
      ),
      (
        ["--mode", "bundle", "slow=" + adapter],
        "a bundle of one expert: its adapter alone would do"
      ),
    ]
    for (arguments, sentence) in cases {
      let run = try command.run(arguments + ["--dry-run", "--output", path("x.safetensors")])
      #expect(run.status == 0)
      #expect(run.errors.contains("glance-merge: warning: \(sentence)\n"), "\(run.errors)")
    }
    let plain = try command.run(
      [base, "slow=" + adapter, adapter + ":-0.5", "--dry-run", "--output", path("x.safetensors")])
    #expect(plain.errors.split(separator: "\n").allSatisfy { $0.contains("no alpha is stored") })
  }

  @Test func aDeclaredPhaseThatIsContradictedIsSaid() throws {
    let bundle = path("bundle.safetensors")
    let made = try command.run(
      ["--mode", "bundle", "slow=" + adapter, "fast=" + adapter, "--output", bundle])
    #expect(made.status == 0)
    #expect(try command.run(["--mode", "split", bundle, "--output", path("x")]).status == 0)
    let fast = path("x/bundle-fast.safetensors")
    let run = try command.run([base, "slow=" + fast, "--dry-run", "--output", path("y")])
    #expect(
      run.errors.contains(
        "\(fast): declares phase 'fast', and serves 'slow' as the command line says\n"))
    let compared = try command.run(["--mode", "compare", path("x/bundle-slow.safetensors"), fast])
    #expect(
      compared.output.hasPrefix(
        "serve different phases, which never run together: nothing adds up (slow, fast)\n"))
    let same = try command.run(["--mode", "compare", fast, fast])
    #expect(
      same.output.hasPrefix(
        "the same adapter: together they are one at the sum of the strengths\n"))
  }

  @Test("every object of a dry run says so")
  func dryRuns() throws {
    let bundle = path("bundle.safetensors")
    _ = try command.run(
      ["--mode", "bundle", "slow=" + adapter, "fast=" + adapter, "--output", bundle])
    let merged = path("merged.safetensors")
    _ = try command.run([base, adapter, "--reversible", "--output", merged])
    let before = folder.entries
    let lines: [[String]] = [
      [base, adapter], ["--mode", "adapter", adapter], ["--mode", "bundle", "slow=" + adapter],
      ["--mode", "split", bundle], [base, "--extract", merged],
      [merged, "--undo", path("merged.undo.safetensors")],
    ]
    for line in lines {
      let run = try command.run(line + ["--dry-run", "--json", "--output", path("n.safetensors")])
      #expect(run.status == 0, "\(run.errors)")
      #expect(try JSONValue(parsing: run.output)["dry_run"] == true, "\(line)")
    }
    let convert = BuiltCommand("glance-convert")
    for input in [base, adapter] {
      let output = path("converted.safetensors")
      let planned = try convert.run([input, "--dry-run", "--json", "--output", output])
      #expect(try JSONValue(parsing: planned.output)["dry_run"] == true, "\(planned.errors)")
    }
    #expect(folder.entries == before)
    let done = try convert.run([adapter, "--json", "--output", path("converted.safetensors")])
    #expect(try JSONValue(parsing: done.output)["dry_run"] == false)
  }
}
