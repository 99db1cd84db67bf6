import JSON
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Runs of several processes on this machine.
@Suite("glance-train-lora under mpirun", .serialized, FoundMPI.isThere)
struct ManyRanksTests {
  private let command = BuiltCommand("glance-train-lora")

  /// What a run left that may not depend on how many processes it had.
  private struct Left: Equatable {
    var files: [String: [UInt8]] = [:]
    /// Phase, step, timestep, sample and loss of every row of the log.
    var rows: [String] = []
  }

  private func left(_ folder: TemporaryFolder, _ phases: [String] = ["slow", "fast"]) throws -> Left
  {
    let out = folder.path.appending("out")
    var left = Left()
    for phase in phases {
      left.files[phase] = try contents(of: out.appending("a-\(phase).safetensors"))
    }
    guard TemporaryFolder.names(in: out).contains("a.jsonl") else { return left }
    left.rows = try Fixtures.text(out.appending("a.jsonl")).split(separator: "\n").map { line in
      let row = try JSONValue(parsing: String(line))
      return ["phase", "step", "timestep", "sample", "loss", "gradient_norm", "fixed_noise_losses"]
        .map { row[$0]?.text() ?? "" }.joined(separator: " ")
    }
    return left
  }

  private func run(
    _ ranks: Int, in folder: TemporaryFolder, _ more: [String]
  ) throws -> BuiltCommand.Outcome {
    let outcome = try FoundMPI.run(ranks, command, tinyTraining(in: folder, more))
    #expect(outcome.status == 0, "\(ranks) ranks: \(outcome.errors)")
    return outcome
  }

  @Test("writes the same bytes and losses on 1, 2, 3 and 4 ranks, by rank 0 alone")
  func sameBytes() throws {
    let settings = ["--batch", "5", "--steps", "3", "--log", "--threads", "1", "--quiet"]
    var expected: Left?
    for ranks in 1...4 {
      let folder = try TemporaryFolder()
      let outcome = try run(ranks, in: folder, settings)
      #expect(outcome.errors == "" && outcome.output == "")
      let left = try left(folder)
      #expect(left.rows.count == 30)
      #expect(left == expected ?? left, "\(ranks) ranks")
      expected = expected ?? left
    }
  }

  @Test("trains both experts at once to the same bytes, each on its share of the ranks")
  func atOnce() throws {
    let apart = try TemporaryFolder()
    _ = try run(1, in: apart, ["--steps", "3", "--quiet"])
    let expected = try left(apart)
    for ranks in 1...3 {
      let folder = try TemporaryFolder()
      let outcome = try run(ranks, in: folder, ["--steps", "3", "--quiet", "--phases-at-once"])
      #expect(try left(folder) == expected, "\(ranks) ranks")
      #expect(
        outcome.errors
          == (ranks < 3
            ? ""
            : "glance-train-lora: warning: --batch 1: a step has 2 items, and 1 of 3 ranks have nothing to "
              + "do; ask for more with --batch\n"))
    }
  }

  @Test("gives walks of the teacher to all ranks")
  func walks() throws {
    let more = [
      "--objective", "path:1", "--teacher-steps", "4", "--slow-steps", "0,1", "--fast-steps", "2,3",
      "--steps", "2", "--batch", "3", "--quiet",
    ]
    let (one, two) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try run(1, in: one, more)
    _ = try run(2, in: two, more)
    #expect(try left(two) == left(one))
  }

  /// Steps of the slow expert, without an end in sight, so that no signal comes too late.
  private func slow(steps: Int = 100_000) -> [String] {
    ["--phase", "slow", "--batch", "3", "--steps", "\(steps)", "--threads", "1"]
  }

  /// The step of the newest state of the slow expert.
  private func savedStep(_ folder: TemporaryFolder) -> Int? {
    TemporaryFolder.names(in: folder.path.appending("out/a-slow.state"))
      .filter { $0.hasPrefix("step-") }.compactMap { Int($0.dropFirst(5).prefix(6)) }.max()
  }

  /// Goes on for two steps after the newest state, to what one process makes that is never stopped.
  private func goOn(_ ranks: Int, in folder: TemporaryFolder) throws {
    let step = try #require(savedStep(folder))
    let end = slow(steps: step + 2)
    let again = try run(ranks, in: folder, end + ["--resume"])
    #expect(again.errors.contains("slow: going on after step \(step)"), "\(again.errors)")
    let apart = try TemporaryFolder()
    let whole = try command.run(tinyTraining(in: apart, end + ["--quiet"]))
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(try left(folder, ["slow"]).files == left(apart, ["slow"]).files)
  }

  @Test("ends when a rank is killed, and goes on with other ranks to the same bytes")
  func killed() throws {
    let folder = try TemporaryFolder()
    let arguments = tinyTraining(in: folder, slow() + ["--save-every", "1", "--quiet"])
    let running = try FoundMPI.start([(3, command, arguments)])
    #expect(running.waits { savedStep(folder) != nil })
    kill(try FoundMPI.process(ofRank: 2, of: running), SIGKILL)
    let outcome = try running.outcome()
    #expect(outcome.status != 0)
    #expect(throws: (any Error).self) { try left(folder, ["slow"]) }
    try goOn(2, in: folder)
  }

  @Test("saves its state when mpirun is interrupted, and goes on alone to the same bytes")
  func interrupted() throws {
    let folder = try TemporaryFolder()
    // A first state shows that steps are taken; the last one is saved for the signal.
    let arguments = tinyTraining(in: folder, slow() + ["--save-every", "2"])
    let running = try FoundMPI.start([(2, command, arguments)])
    #expect(running.waits { savedStep(folder) != nil })
    running.send(SIGINT)
    let outcome = try running.outcome()
    #expect(outcome.status != 0)
    #expect(
      outcome.errors.contains(
        "glance-train-lora: stopped; the state is saved: go on with --resume\n"),
      "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count { $0.hasSuffix(": interrupted") } == 1)
    try goOn(1, in: folder)
  }

  @Test("refuses ranks with other options, by rank, before it writes anything")
  func otherOptions() throws {
    let folder = try TemporaryFolder()
    func arguments(_ rate: String) -> [String] { tinyTraining(in: folder, ["--lr", rate]) }
    let outcome = try FoundMPI.start([
      (1, command, arguments("0.001")), (2, command, arguments("0.002")),
    ]).outcome()
    #expect(outcome.status == 64)
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("glance-train-lora: ") }
    #expect(lines.count == 1, "\(outcome.errors)")
    #expect(lines.first?.hasPrefix("glance-train-lora: rank 1 on ") == true)
    #expect(
      lines.first?.hasSuffix(
        ": '--lr' is 0.002, and 0.001 on the first rank; start all ranks with the same program, options and "
          + "data") == true)
    #expect(folder.entries == [])
  }

  @Test("says once what is wrong for all ranks")
  func wrongForAll() throws {
    let folder = try TemporaryFolder()
    let outcome = try FoundMPI.run(
      3, command, tinyTraining(in: folder, ["--phase", "slow", "--targets", "nothing"]))
    #expect(outcome.status == 64)
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("glance-train-lora: ") }
    #expect(lines.count == 1, "\(outcome.errors)")
  }

  @Test("tells of ranks in its plan, and of those that have nothing to do")
  func plan() throws {
    let folder = try TemporaryFolder()
    let outcome = try run(3, in: folder, ["--batch", "2", "--dry-run", "--json"])
    let plan = try JSONValue(parsing: outcome.output)
    #expect(plan["ranks"] == 3)
    #expect(plan["rank_items"] == 1)
    #expect(
      outcome.errors
        == "glance-train-lora: warning: --batch 2: a step has 2 items, and 1 of 3 ranks have nothing to do; "
        + "ask for more with --batch, or train the experts at once with --phases-at-once\n")
    let text = try run(2, in: folder, ["--batch", "4", "--dry-run"]).output
    #expect(text.contains("\nranks      2, at most 2 items of a step on each\n"), "\(text)")
    #expect(folder.entries == [])
  }

  @Test("trains and draws the arms of a table on two ranks to the results of one process")
  func grid() throws {
    let evaluation = BuiltCommand("glance-eval")
    func results(_ ranks: Int) throws -> ([[UInt8]], [String]) {
      let folder = try TemporaryFolder()
      try folder.write(Array("a small blue circle\na red star\n".utf8), to: "prompts.txt")
      let table = try folder.write(
        Array(
          """
          {"format": "glance-grid/1",
           "evaluate": {"prompts": "prompts.txt", "size": "96x96", "teacher-steps": 3, "resamples": 50},
           "train": {"data": "\(Fixtures.model("sample"))", "preset": "glance-1+1", "rank": 2, "steps": 2},
           "training-seeds": 2, "arms": [{"name": "own", "train": {}},
           {"name": "half", "train": {}, "draw": {"strength": 0.5}},
           {"name": "plain", "draw": {"schedule": "glance-1+1"}}]}
          """.utf8), to: "grid.json")
      let out = folder.path.appending("out")
      let outcome = try FoundMPI.run(
        ranks, evaluation,
        [
          "grid", "--config", table.string, "--model", Fixtures.model("tiny-flux").string,
          "--output",
          out.string, "--quiet",
        ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors == "" && outcome.output == "")
      #expect(!TemporaryFolder.names(in: out).contains(".ranks"))
      let experts = TemporaryFolder.names(in: out.appending("experts"))
      let files = try experts.flatMap { name in
        try ["slow", "fast"].map {
          try contents(of: out.appending("experts/\(name)/glance-\($0).safetensors"))
        }
      }
      // All but how long a picture took, which stands before its file.
      let lines = try Fixtures.text(out.appending("results.csv")).split(separator: "\n").map {
        String($0.replacing(/,[0-9.e-]+,pictures/, with: ",pictures"))
      }
      return (files, lines)
    }
    let (one, two) = (try results(1), try results(2))
    #expect(one.0.count == 4 && one.1.count == 13)
    #expect(two == one)
  }
}

/// What doesn't need a launcher to be shown.
@Suite("A process that was started as one of several")
struct StartedRankTests {
  private func run(_ variables: [String: String]) throws -> BuiltCommand.Outcome {
    let folder = try TemporaryFolder()
    return try BuiltCommand("glance-train-lora").run(
      tinyTraining(in: folder, ["--dry-run"]), environment: variables)
  }

  @Test("says what is missing where there is no Open MPI to take part with")
  func missing() throws {
    let outcome = try run(["OMPI_COMM_WORLD_SIZE": "2", "GLANCE_MPI": "/nowhere/libmpi.so"])
    #expect(outcome.status == 69)
    #expect(
      outcome.errors
        == "glance-train-lora: /nowhere/libmpi.so: cannot load Open MPI: /nowhere/libmpi.so: cannot open "
        + "shared object file: No such file or directory; install it (Debian: openmpi-bin), name its library "
        + "with GLANCE_MPI, or set that to nothing to run alone\n")
    let other = try run(["OMPI_COMM_WORLD_SIZE": "2", "GLANCE_MPI": "libc.so.6"])
    #expect(other.status == 69)
    #expect(
      other.errors
        == "glance-train-lora: libc.so.6: expected Open MPI 4 or newer, found a library without it; name "
        + "another library with GLANCE_MPI\n")
    let launcher = try run(["PMI_RANK": "0", "PMI_SIZE": "2"])
    #expect(launcher.status == 69)
    #expect(
      launcher.errors
        == "glance-train-lora: started as one of several processes by MPICH's mpiexec: expected Open MPI's "
        + "mpirun, or srun --mpi=pmix; with GLANCE_MPI set to nothing each process stands alone\n")
  }

  @Test("stands alone where it is told to")
  func alone() throws {
    let outcome = try run(["OMPI_COMM_WORLD_SIZE": "2", "GLANCE_MPI": ""])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!outcome.output.contains("\nranks"))
  }
}
