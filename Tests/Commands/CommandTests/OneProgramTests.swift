import JSON
import SystemPackage
import TestSupport
import Testing

/// `glance`, and the names that are links to it.
@Suite("The program with all commands")
struct OneProgramTests {
  private static let words = [
    "inspect", "convert", "train-lora", "merge", "sample", "eval", "bench",
  ]
  private let glance = BuiltCommand("glance")
  private let model = Fixtures.model("tiny-flux").string

  @Test("lists its commands with a line each, asked for help or nothing")
  func help() throws {
    let help = try glance.run(["--help"], environment: ["COLUMNS": "120"])
    #expect(help.status == 0)
    let lines = help.output.split(separator: "\n")
    for word in Self.words {
      let line = lines.first { $0.hasPrefix("  \(word) ") }
      #expect(line?.hasSuffix(".") == true, "\(word): \(line ?? "")")
    }
    #expect(
      lines.contains {
        $0.hasPrefix("  inspect ")
          && $0.hasSuffix(" Explain a checkpoint, an adapter or a pipeline folder in one screen.")
      })
    #expect(try glance.run([], environment: ["COLUMNS": "120"]).output == help.output)
  }

  @Test("tells of a command as it was called", arguments: words)
  func named(word: String) throws {
    let asked = try glance.run(["help", word], environment: ["COLUMNS": "100"])
    let typed = try glance.run([word, "--help"], environment: ["COLUMNS": "100"])
    let alone = try BuiltCommand("glance-\(word)").run(["--help"], environment: ["COLUMNS": "100"])
    #expect(asked.status == 0)
    #expect(asked.output == typed.output)
    #expect(typed.output.contains("USAGE: glance \(word) "))
    #expect(typed.output.contains("\n  glance \(word) "))
    #expect(alone.output.contains("USAGE: glance-\(word) "))
    #expect(alone.output.contains("\n  glance-\(word) "))
    #expect(!alone.output.contains("glance \(word)"))
    #expect(try glance.run([word, "--version"]).output == "glance \(word) 0.1.0\n")
  }

  @Test("names verbs behind the command")
  func verbs() throws {
    let help = try glance.run(["help", "eval", "fid"]).output
    #expect(help.contains("USAGE: glance eval fid "))
    #expect(help.contains("\n  glance eval fid "))
  }

  @Test(
    "is named where the parser says what is wrong",
    arguments: [
      ["sample", "--seed", "abc"], ["merge", "-o", "x"], ["train-lora", "--rank", "0"],
      ["bench", "nosuch"], ["eval", "run", "-q"], ["inspect", "--as"],
    ])
  func mistakes(arguments: [String]) throws {
    let word = arguments[0] == "eval" ? "eval run" : arguments[0]
    for (command, rest, name) in [
      (glance, arguments, "glance \(word)"),
      (BuiltCommand("glance-\(arguments[0])"), Array(arguments.dropFirst()), "glance-\(word)"),
    ] {
      let run = try command.run(rest)
      #expect(run.status == 64)
      #expect(run.errors.contains("\nUsage: \(name) "), "\(run.errors)")
      #expect(run.errors.hasSuffix("\n  See '\(name) --help' for more information.\n"))
    }
    // What the parser knows of an option stays.
    if arguments == ["inspect", "--as"] {
      #expect(
        try glance.run(arguments).errors.contains("\nHelp:  --as <loader>  Tell what a loader"))
    }
  }

  @Test("lets nothing else take the place of closed streams")
  func closedStreams() throws {
    for streams in [">&-", "<&- >&-", "<&- >&- 2>&-"] {
      let run = try glance.shell("\"$COMMAND\" inspect --json '\(model)' \(streams)")
      #expect(run.status == 74, "\(streams): \(run.status)")
    }
    let folder = try TemporaryFolder()
    let picture = folder.path.appending("x.png")
    let run = try glance.shell(
      "\"$COMMAND\" sample --model '\(model)' --prompts - --output '\(picture)' <&-")
    #expect(run.status == 65)
    #expect(run.errors == "glance sample: -: expected a prompt on every line, found none\n")
  }

  @Test("does what the command does")
  func same() throws {
    let typed = try glance.run(["inspect", model, "--json"])
    let alone = try BuiltCommand("glance-inspect").run([model, "--json"])
    #expect(typed.status == 0, "\(typed.errors)")
    #expect(typed.output == alone.output)
  }

  @Test("begins messages as it was called, and tells programs the command's own name")
  func failure() throws {
    let run = try glance.run(["inspect", "/nowhere/x.safetensors", "--against", "/nowhere/y"])
    #expect(run.status == 66)
    #expect(run.errors.hasPrefix("glance inspect: /nowhere/x.safetensors: cannot open: "))
    let told = try glance.run(["merge", "--json", "--modle", "x"])
    #expect(told.status == 64)
    #expect(told.errors.hasPrefix("glance merge: Unknown option '--modle'"))
    #expect(told.errors.contains("See 'glance merge --help' for more information."))
    #expect(try JSONValue(parsing: told.output)["command"] == "glance-merge")
  }

  @Test(
    "says which command was probably meant",
    arguments: [
      ("inspekt", "did you mean 'inspect'?"),
      ("draw", "did you mean 'sample'?"),
      ("paint", "expected one of inspect, convert, train-lora, merge, sample, eval, bench"),
    ])
  func unknown(word: String, advice: String) throws {
    for arguments in [[word, "x"], [word, "--model", "x"], ["help", word]] {
      let run = try glance.run(arguments)
      #expect(run.status == 64)
      #expect(
        run.errors.hasPrefix("glance: Unknown command '\(word)': \(advice)\n"), "\(run.errors)")
      #expect(run.errors.contains("See 'glance --help' for more information."))
    }
  }

  @Test("is a command by the name of any link to it")
  func links() throws {
    let folder = try TemporaryFolder()
    let link = folder.path.appending("glance-convert").string
    let run = try glance.shell("ln -s \"$COMMAND\" '\(link)' && '\(link)' --version")
    #expect(run.output == "glance-convert 0.1.0\n")
  }

  @Test("completes commands", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let script = try glance.run(["--generate-completion-script", shell])
    #expect(script.status == 0)
    for word in Self.words { #expect(script.output.contains(word)) }
  }

  @Test("starts again with better kernels as it was called")
  func startedAgain() throws {
    let run = try glance.run(
      [
        "sample", "--model", Fixtures.model("tiny-flux").string, "--size", "64x64", "--prompt", "x",
        "--dry-run", "--verbose", "--output", "x.png",
      ], environment: ["OPENBLAS_CORETYPE": "Prescott", "GLANCE_KERNELS": "choose:Nehalem"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.hasPrefix("glance sample: matrix products run on OpenBLAS "))
    #expect(run.errors.contains("'s Nehalem kernels; of itself OpenBLAS chose Prescott, "))
  }
}
