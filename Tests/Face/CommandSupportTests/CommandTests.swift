import CommandSupport
import Failures
import Glibc
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("A command")
struct CommandTests {
  static let probe = BuiltCommand("command-probe")

  @Test func writesItsResultToStandardOutputAndEndsWith0() throws {
    let run = try CommandTests.probe.run(["print", "--lines", "3"])
    #expect(run.status == 0)
    #expect(run.output == "line 0\nline 1\nline 2\n")
    #expect(run.errors == "")
  }

  @Test("ends with the status of its failure and one line", arguments: FailureKind.allCases)
  func failures(kind: FailureKind) throws {
    let run = try CommandTests.probe.run(["fail", "--status", "\(kind.rawValue)"])
    #expect(run.status == kind.rawValue)
    #expect(run.output == "")
    #expect(run.errors == "command-probe: text\n")
  }

  @Test("has the statuses that its contract lists")
  func statuses() {
    #expect(FailureKind.allCases.map(\.rawValue) == [64, 65, 66, 69, 70, 73, 74])
  }

  @Test func thatMissesAnInputEndsWith66() throws {
    let run = try CommandTests.probe.run(["exists", "--file", "/nowhere/x"])
    #expect(run.status == 66)
    #expect(run.errors.hasPrefix("command-probe: /nowhere/x: cannot open: "))
  }

  @Test func escapesWhatItPrints() throws {
    let run = try CommandTests.probe.run(["fail", "--text", "a\u{1B}[2Jb\nc"])
    #expect(run.errors == "command-probe: a\\u{1b}[2Jb\\u{a}c\n")
    let usage = try CommandTests.probe.run(["--un\u{1B}known"])
    #expect(usage.status == 64)
    #expect(!usage.errors.unicodeScalars.contains("\u{1B}"))
  }

  @Test(
    "that is called wrongly ends with 64 and says how it is called",
    arguments: [
      [], ["nonsense"], ["print", "--lines", "x"], ["print", "--unknown"],
      ["print", "--size", "1000x1000"], ["print", "--text", "refused"],
      ["print", "-q", "-v"], ["print", "--threads", "0"],
    ])
  func usage(arguments: [String]) throws {
    let run = try CommandTests.probe.run(arguments)
    #expect(run.status == 64)
    #expect(run.output == "")
    #expect(run.errors.hasPrefix("command-probe: ") || arguments.isEmpty)
    #expect(run.errors.contains("command-probe"))
    #expect(!run.errors.contains("Error:"))
  }

  @Test func saysWhyAnArgumentIsRefused() throws {
    let run = try CommandTests.probe.run(["print", "--size", "1000x1000"])
    #expect(run.errors.contains("'--size <size>'"))
    #expect(run.errors.contains("expected multiples of 16, such as 1008x1008"))
  }

  @Test func printsHelpWithExamplesAndItsVersion() throws {
    let help = try CommandTests.probe.run(["--help"])
    #expect(help.status == 0 && help.errors == "")
    #expect(help.output.contains("USAGE: command-probe"))
    #expect(help.output.contains("EXAMPLES:\n  # Print a line\n  command-probe print --lines 1\n"))
    #expect(help.output.contains("COMMON OPTIONS:"))
    let version = try CommandTests.probe.run(["--version"])
    #expect(version.status == 0)
    #expect(version.output == "command-probe \(ToolFacts.version)\n")
  }

  @Test(
    "names the option that it doesn't have, and what to type instead",
    arguments: [
      (["--amount", "3"], "Unknown option '--amount': lines are --lines N"),
      (["print", "-n", "3"], "Unknown option '-n': lines are --lines N"),
      (["--lnies=3"], "Unknown option '--lnies': did you mean '--lines'?"),
      (["print", "--far-from-all"], "Unknown option '--far-from-all'"),
    ] as [([String], String)])
  func unknown(arguments: [String], message: String) throws {
    let run = try CommandTests.probe.run(arguments)
    #expect(run.status == 64)
    #expect(run.errors.hasPrefix("command-probe: \(message)\nUsage: command-probe "))
  }

  @Test func takesWhatFollowsTwoHyphensForNoOption() throws {
    let run = try CommandTests.probe.run(["--", "--amount"])
    #expect(run.status == 64)
    #expect(run.errors.contains("The value '--amount' is invalid for '<action>'"))
  }

  @Test(
    "takes a negative number for the value of an option",
    arguments: [
      (["--number", "-1"], "number -1.0\n"), (["--number", "-.5e1"], "number -5.0\n"),
      (["--number=-2"], "number -2.0\n"),
    ] as [([String], String)])
  func negative(arguments: [String], output: String) throws {
    let run = try CommandTests.probe.run(["result"] + arguments)
    #expect(run.output == output)
    #expect(run.errors == "")
  }

  @Test(
    "says what it expected instead of a value",
    arguments: [
      (
        ["print", "--lines", "1.5"],
        "'1.5' is invalid for '--lines <lines>': expected a whole number"
      ),
      (
        ["print", "--lines", "99999999999999999999"],
        "'99999999999999999999' is invalid for '--lines <lines>': expected a smaller number"
      ),
      (["result", "--number", "x"], "'x' is invalid for '--number <number>': expected a number"),
      (
        ["print", "--size", "-3x4"],
        "'-3x4' is invalid for '--size <size>': expected WIDTHxHEIGHT, such as 1024x768, or 512 "
          + "for a square"
      ),
    ] as [([String], String)])
  func expected(arguments: [String], message: String) throws {
    let run = try CommandTests.probe.run(arguments)
    #expect(run.status == 64)
    #expect(run.errors.split(separator: "\n").first == "command-probe: The value \(message)")
  }

  @Test(
    "tells programs of failures", arguments: [(65, "wrong-data"), (73, "output-refused")])
  func failureForPrograms(status: Int, kind: String) throws {
    let run = try CommandTests.probe.run([
      "fail", "--json", "--status", "\(status)", "--text", "a\"b",
    ])
    #expect(run.status == status)
    #expect(run.errors == "command-probe: a\"b\n")
    #expect(
      try JSONValue(parsing: run.output) == [
        "format": "glance-failure/1", "command": "command-probe",
        "status": .integer(Int64(status)), "kind": .string(kind), "error": "a\"b",
      ])
  }

  @Test func tellsProgramsOfMistakesOfUsage() throws {
    let run = try CommandTests.probe.run(["print", "--json", "--lines", "x"])
    #expect(run.status == 64)
    let failure = try JSONValue(parsing: run.output)
    #expect(failure["kind"]?.string == "usage")
    #expect(
      failure["error"]?.string
        == "The value 'x' is invalid for '--lines <lines>': expected a number")
  }

  @Test func printsResultsUnlessItIsToBeQuiet() throws {
    let arguments = ["result", "--number", "3"]
    #expect(try CommandTests.probe.run(arguments).output == "number 3.0\n")
    #expect(try CommandTests.probe.run(arguments + ["-q"]).output == "")
    let json = try CommandTests.probe.run(arguments + ["-q", "--json"]).output
    #expect(try JSONValue(parsing: json) == ["number": .number(3)])
  }

  @Test func calledWithoutArgumentsSaysHowItIsCalled() throws {
    let run = try CommandTests.probe.run([])
    #expect(
      run.errors == """
        command-probe: Missing expected argument '<action>'
        Usage: command-probe [<options>] <action>
          See 'command-probe --help' for more information.

        """)
  }

  @Test("writes completions", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let run = try CommandTests.probe.run(["--generate-completion-script", shell])
    #expect(run.status == 0)
    #expect(run.output.contains("command-probe"))
  }

  @Test func speaksAsMuchAsItIsAskedTo() throws {
    let prefix = "command-probe: "
    let normal = try CommandTests.probe.run(["say"])
    #expect(normal.errors == "\(prefix)text\n\(prefix)warning: careful\n")
    let quiet = try CommandTests.probe.run(["say", "--quiet"])
    #expect(quiet.errors == "\(prefix)warning: careful\n")
    let verbose = try CommandTests.probe.run(["say", "-v"])
    #expect(verbose.errors == normal.errors + "\(prefix)detail\n")
  }

  @Test func endsQuietlyWhenItsReaderGoes() throws {
    let run = try CommandTests.probe.shell(
      "(trap '' PIPE; \"$COMMAND\" print --lines 100000; echo \"$?\" >&2) | head -1")
    #expect(run.output == "line 0\n")
    // The shell's 'trap' makes SIGPIPE ignored: the write fails, and the status is as if it weren't.
    #expect(run.errors == "141\n")
    let killed = try CommandTests.probe.shell(
      "(\"$COMMAND\" print --lines 100000; echo \"$?\" >&2) | head -1")
    #expect(killed.output == "line 0\n")
    #expect(killed.errors.hasSuffix("141\n"))
  }

  @Test("that can't write its result ends with 74", arguments: ["print", "--help"])
  func fullDisk(argument: String) throws {
    let run = try CommandTests.probe.shell("\"$COMMAND\" \(argument) > /dev/full")
    #expect(run.status == 74)
    #expect(
      run.errors == "command-probe: standard output: cannot write: No space left on device\n")
  }

  @Test func keepsTheBytesOfAFileName() throws {
    for option in ["--file ", "--file="] {
      let run = try CommandTests.probe.shell(
        "\"$COMMAND\" path \(option)\"$(printf 'a\\377b\\303\\274')\"")
      #expect(run.output == "[97, 255, 98, 195, 188]\n")
    }
  }
}

@Suite("A command on a terminal")
struct TerminalCommandTests {
  /// Runs the probe with a terminal on its streams; the result has `\r\n` line ends.
  func run(_ arguments: String, environment: [String: String] = [:]) throws -> String {
    var environment = environment
    environment["TERM"] = environment["TERM"] ?? "xterm"
    environment["NO_COLOR"] = environment["NO_COLOR"] ?? ""
    return try CommandTests.probe.shell(
      "script -qec \"'$COMMAND' \(arguments)\" /dev/null", environment: environment
    ).output
  }

  @Test func showsColours() throws {
    #expect(try run("emphasis") == "\u{1B}[31mtext\u{1B}[0m\r\n")
  }

  @Test func obeysThoseWhoWantNone() throws {
    #expect(try run("emphasis", environment: ["NO_COLOR": "1"]) == "text\r\n")
    #expect(try run("emphasis", environment: ["TERM": "dumb"]) == "text\r\n")
    let piped = try CommandTests.probe.run(["emphasis"], environment: ["NO_COLOR": ""])
    #expect(piped.output == "text\n")
  }

  @Test func drawsProgressOnOneLine() throws {
    let text = try run("progress")
    #expect(text.contains("\rcounting: "))
    #expect(text.contains("of 12 steps"))
    // The line is taken away before a note and before the end.
    #expect(text.contains("\r\u{1B}[Kcommand-probe: half\r\n"))
    #expect(text.hasSuffix("\r\u{1B}[Kcommand-probe: done\r\n"))
  }

  @Test func printsProgressNowAndThenElsewhere() throws {
    let run = try CommandTests.probe.run(["progress"])
    let lines = run.errors.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.first == "command-probe: half")
    #expect(lines.dropFirst().first?.hasPrefix("command-probe: counting: 1") == true)
    #expect(lines.last == "command-probe: done")
    #expect(try CommandTests.probe.run(["progress", "-q"]).errors == "")
  }
}

@Suite("A signal")
struct SignalTests {
  @Test(
    "removes unfinished outputs and ends the command",
    arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
  func unfinished(signal: Int32, status: Int32) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write([9], to: "output")
    let running = try CommandTests.probe.start(["hold", "--file", file.string])
    #expect(try running.waits(for: "ready"))
    #expect(folder.entries.count == 2)
    let start = ContinuousClock.now
    running.send(signal)
    #expect(try running.outcome().status == status)
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(folder.entries == ["output"])
    #expect(try Fixtures.text(file) == "\u{9}")
  }

  @Test func leavesALoopTheTimeToSave() throws {
    let folder = try TemporaryFolder()
    let file = folder.path.appending("state")
    let running = try CommandTests.probe.start(["save", "--file", file.string])
    #expect(try running.waits(for: "ready"))
    running.send(SIGTERM)
    let outcome = try running.outcome()
    #expect(outcome.status == 143)
    #expect(outcome.errors == "command-probe: interrupted\n")
    #expect(folder.entries == ["state"])
    #expect(try Fixtures.text(file) == "\u{7}")
  }

  @Test func endsALoopThatDoesNotListenWithinTwoSeconds() throws {
    let running = try CommandTests.probe.start(["stuck"])
    #expect(try running.waits(for: "ready"))
    let start = ContinuousClock.now
    running.send(SIGINT)
    #expect(try running.outcome().status == 130)
    let taken = ContinuousClock.now - start
    #expect(taken > .seconds(1) && taken < .seconds(2))
  }

  @Test func endsALoopAtOnceWhenItComesTwice() throws {
    let running = try CommandTests.probe.start(["stuck"])
    #expect(try running.waits(for: "ready"))
    let start = ContinuousClock.now
    running.send(SIGINT)
    running.send(SIGTERM)
    #expect(try running.outcome().status >= 130)
    #expect(ContinuousClock.now - start < .seconds(1))
  }

  @Test func staysIgnoredWhereTheParentIgnoresIt() throws {
    let run = try CommandTests.probe.shell(
      "trap '' HUP; \"$COMMAND\" progress -q & pid=$!; sleep 0.5; kill -HUP $pid; wait $pid")
    #expect(run.status == 0)
  }
}
