import Glibc
import JSON
import SystemPackage
import TestSupport
import Testing

/// What glance-train-lora writes beside the experts, and what later runs do to it.
@Suite("Files of glance-train-lora", .serialized)
struct TrainingFilesTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  private func arguments(_ more: String...) -> [String] { tinyTraining(in: folder, more) }

  /// The arguments for another name than `a`.
  private func named(_ name: String, _ arguments: [String]) -> [String] {
    arguments.map { $0 == "a" ? name : $0 }
  }

  private func file(_ name: String) -> FilePath { folder.path.appending("out").appending(name) }

  private var entries: String {
    get throws {
      try command.shell("ls -A '\(folder.path)/out' | tr '\\n' ' '").output
    }
  }

  /// The first two columns of the table.
  private var steps: String {
    get throws {
      try Fixtures.text(file("a.csv")).split(separator: "\n").dropFirst().map { line in
        line.split(separator: ",").prefix(2).joined(separator: " ")
      }.joined(separator: ", ")
    }
  }

  @Test("a second phase under the same name adds to log, page and options")
  func secondPhase() throws {
    let slow = try command.run(arguments("--steps", "2", "--log", "--phase", "slow"))
    #expect(slow.status == 0, "\(slow.errors)")
    let expert = try contents(of: file("a-slow.safetensors"))
    #expect(try steps == "slow 1, slow 2")
    let fast = try command.run(arguments("--steps", "2", "--log", "--phase", "fast"))
    #expect(fast.status == 0, "\(fast.errors)")
    #expect(try steps == "slow 1, slow 2, fast 1, fast 2")
    #expect(try Fixtures.text(file("a.jsonl")).split(separator: "\n").count == 4)
    #expect(try contents(of: file("a-slow.safetensors")) == expert)
    let page = try Fixtures.text(file("a-report.html"))
    for phase in ["slow", "fast"] {
      #expect(page.contains("<h2>Loss of the \(phase) expert</h2>"))
    }
    // In a chart's legend and a table's head, of each expert.
    #expect(page.split(separator: "with the adapter").count == 1 + 2 * 2)
    let options = try JSONValue(parsing: Fixtures.text(file("a.config.json")))
    #expect(options["phase"] == ["slow", "fast"])
    let log = try contents(of: file("a.jsonl"))
    let again = try command.run(arguments("--steps", "2", "--log", "--phase", "slow", "--resume"))
    #expect(again.status == 0, "\(again.errors)")
    #expect(
      again.errors == "glance-train-lora: slow: finished before, nothing to do\n"
        + "glance-train-lora: see \(file("a-report.html"))\n")
    #expect(try contents(of: file("a.jsonl")) == log)
    #expect(try steps == "slow 1, slow 2, fast 1, fast 2")
  }

  @Test("a second phase with other settings keeps the first one's options")
  func otherSettings() throws {
    #expect(try command.run(arguments("--steps", "2", "--phase", "slow", "-q")).status == 0)
    let options = try contents(of: file("a.config.json"))
    let fast = try command.run(arguments("--steps", "3", "--phase", "fast", "-q"))
    #expect(fast.status == 0, "\(fast.errors)")
    #expect(try contents(of: file("a.config.json")) == options)
    let own = try JSONValue(parsing: Fixtures.text(file("a-fast.config.json")))
    #expect(own["phase"] == "fast")
    #expect(own["steps"] == 3)
  }

  @Test("a second phase with other settings leaves the options of a run called like its own alone")
  func optionsOfAnotherName() throws {
    #expect(try command.run(named("a-fast", arguments("--steps", "1", "-q"))).status == 0)
    #expect(try command.run(arguments("--steps", "1", "-q", "--phase", "slow")).status == 0)
    let options = try contents(of: file("a-fast.config.json"))
    for more in [[], ["--resume"]] {
      let fast = try command.run(arguments("--steps", "2", "-q", "--phase", "fast") + more)
      #expect(fast.status == 73)
      #expect(
        fast.errors.hasSuffix(
          "a-fast.config.json: exists already; it holds the options of 'a-fast': choose another "
            + "--name, or allow --force\n"), "\(fast.errors)")
    }
    #expect(try contents(of: file("a-fast.config.json")) == options)
    #expect(
      try entries == "a-fast-fast.safetensors a-fast-slow.safetensors a-fast.config.json "
        + "a-slow.safetensors a.config.json ")
  }

  @Test("killed between an expert and its log, more steps get their own losses")
  func lossesOfMoreSteps() throws {
    let run = arguments("--log", "--keep-state", "-q", "--phase", "slow", "--resume", "--steps")
    #expect(try command.run(run + ["1"]).status == 0)
    #expect(try command.run(run + ["2"]).status == 0)
    let whole = try Fixtures.text(file("a.jsonl"))
    let rows = whole.split(separator: "\n")
    #expect(rows.count == 2 && rows.allSatisfy { $0.contains(",\"fixed_noise_losses\":[") })
    let cut = rows[1].prefix(upTo: try #require(rows[1].firstRange(of: ",\"fixed_")).lowerBound)
    try folder.write(Array("\(rows[0])\n\(cut)}\n".utf8), to: "out/a.jsonl")
    let again = try command.run(run + ["2"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try Fixtures.text(file("a.jsonl")) == whole)
  }

  @Test("logs, pages and options that no expert stands for are not replaced unasked")
  func unasked() throws {
    let run = arguments("--steps", "1", "--log", "-q")
    #expect(try command.run(run).status == 0)
    #expect(try command.shell("rm '\(folder.path)'/out/*.safetensors").status == 0)
    func refused(_ message: String, _ more: String...) throws {
      let outcome = try command.run(run + more)
      #expect(outcome.status == 73)
      #expect(outcome.errors == "glance-train-lora: \(folder.path)/out/\(message)\n")
    }
    try refused(
      "a.jsonl: exists already; it holds the steps of an earlier 'slow': choose another --name, or "
        + "allow --force")
    folder.remove("out/a.jsonl")
    try refused(
      "a.csv: exists already; the a.jsonl that it would come from is not there: choose another "
        + "--name, or allow --force")
    #expect(
      try command.shell(
        "cd '\(folder.path)/out' && rm -r *.csv *.html *.events && echo '[1]' > a.jsonl"
      )
      .status == 0)
    try refused(
      "a.jsonl: exists already; its line 1 is no row of a training log: choose another --name, or "
        + "allow --force")
    folder.remove("out/a.jsonl")
    try refused(
      "a.config.json: exists already; it holds other options: choose another --name, or allow "
        + "--force", "--lr", "0.01")
    #expect(try command.run(run + ["--lr", "0.01", "--force"]).status == 0)
    #expect(try steps == "slow 1, fast 1")
  }

  @Test("states go at the end unless they are to be kept")
  func states() throws {
    #expect(try command.run(arguments("--steps", "2", "-q")).status == 0)
    #expect(try entries == "a-fast.safetensors a-slow.safetensors a.config.json ")
    #expect(try command.run(arguments("--steps", "2", "-q", "--force", "--keep-state")).status == 0)
    #expect(
      try entries
        == "a-fast.safetensors a-fast.state a-slow.safetensors a-slow.state a.config.json ")
  }

  @Test("resuming under a name that nothing is saved under is warned of")
  func nothingSaved() throws {
    #expect(try command.run(arguments("--steps", "1", "-q")).status == 0)
    let other = try command.run(
      named("b", arguments("--steps", "1", "-q", "--resume", "--phase", "slow")))
    #expect(other.status == 0)
    #expect(
      other.errors
        == "glance-train-lora: warning: \(folder.path)/out/b: nothing is saved under this name, so "
        + "that --resume begins with the first step; saved in this folder: a\n")
  }

  @Test("a phase may be given several times")
  func phases() throws {
    let both = try command.run(
      arguments("--steps", "1", "-q", "--phase", "fast", "--phase", "slow", "--phase", "slow"))
    #expect(both.status == 0)
    #expect(try entries == "a-fast.safetensors a-slow.safetensors a.config.json ")
    let wrong = try command.run(arguments("--phase", "slow", "--phase", "slwo", "--dry-run"))
    #expect(wrong.status == 64)
    #expect(
      wrong.errors
        == "glance-train-lora: --phase: expected slow or fast, the phases of this schedule, found "
        + "slwo\n")
  }

  @Test("two runs of one name at once: the second is refused")
  func atOnce() throws {
    let first = try command.start(arguments("--steps", "100000", "--save-every", "1", "-q"))
    #expect(first.waits(for: file("a-slow.state")))
    let second = try command.run(arguments("--steps", "100000", "--resume"))
    #expect(second.status == 73)
    #expect(
      second.errors
        == "glance-train-lora: \(folder.path)/out/a: another run is writing files of this name; "
        + "wait for its end, or choose another --name\n")
    let beside = try command.run(named("b", arguments("--steps", "1", "-q")))
    #expect(beside.status == 0, "\(beside.errors)")
    first.send(SIGKILL)
    #expect(try first.outcome().status == 128 + SIGKILL)
    #expect(try command.run(arguments("--steps", "1", "-q", "--force")).status == 0)
    #expect(try !entries.contains(".lock"))
  }

  @Test("killed again and again with a log, has a row a step")
  func killed() throws {
    let settings = arguments("--steps", "200", "--save-every", "3", "-q", "--log", "--resume")
    let killed = try command.runKilled(20, saving: folder.path.appending("out"), settings)
    #expect(killed.end.status == 0, "\(killed.end.errors)")
    #expect(killed.kills == 20 && killed.saves == 10, "\(killed.kills), \(killed.saves)")
    let expected = ["slow", "fast"].flatMap { phase in (1...200).map { "\(phase) \($0)" } }
    #expect(try steps == expected.joined(separator: ", "))
    let left = try entries.split(separator: " ").joined(separator: " ")
    #expect(
      left
        == "a-fast.safetensors a-report.html a-slow.safetensors a.config.json a.csv a.events a.jsonl"
    )
  }

  @Test("a state that finds no room ends with status 74, and the run goes on when there is")
  func fullDisk() throws {
    // A file may have 64 blocks of 512 bytes: log and options fit, a state does not.
    let words = arguments("--steps", "4", "-q", "--log", "--save-every", "2")
      .map { "'\($0)'" }.joined(separator: " ")
    let full = try command.shell("ulimit -f 64; exec \"$COMMAND\" \(words)")
    #expect(full.status == 74)
    #expect(
      full.errors
        == "glance-train-lora: \(folder.path)/out/a-slow.state/step-000002.safetensors: cannot "
        + "write: File too large\n")
    let rest = try command.run(arguments("--steps", "4", "-q", "--log", "--resume"))
    #expect(rest.status == 0, "\(rest.errors)")
    #expect(
      try steps
        == "slow 1, slow 2, slow 3, slow 4, fast 1, fast 2, fast 3, fast 4")
  }
}
