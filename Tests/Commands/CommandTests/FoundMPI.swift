import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Open MPI's launcher, where it is installed.
enum FoundMPI {
  /// The launcher; nil: there is none on the PATH.
  private static let launcher: FilePath? = {
    let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    return folders.split(separator: ":").map { FilePath("\($0)").appending("mpirun") }
      .first { unsafe access($0.string, X_OK) == 0 }
  }()

  /// Runs tests only where there is one; else they are listed as skipped, with this reason.
  static let isThere = ConditionTrait.enabled(
    if: launcher != nil,
    "no mpirun on the PATH: Debian has it in openmpi-bin, which tools/test installs")

  /// What containers need: to be root, and to find each other over the loopback device or in memory.
  private static let variables = [
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_plm": "isolated", "OMPI_MCA_btl": "self,vader,tcp",
    "OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_oob_tcp_if_include": "lo",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
  ]

  /// Starts commands as ranks of one run, each a program with its arguments and how often it is started.
  static func start(
    _ programs: [(count: Int, command: BuiltCommand, arguments: [String])]
  ) throws -> RunningCommand {
    let launcher = BuiltCommand(path: try #require(launcher))
    let parts = programs.map { program in
      ["-n", "\(program.count)", program.command.path.string] + program.arguments
    }
    return try launcher.start(
      ["--oversubscribe", "--bind-to", "none"] + parts.joined(separator: [":"]),
      environment: variables)
  }

  /// Runs a command on so many ranks and waits for its end; on one without a launcher.
  static func run(
    _ count: Int, _ command: BuiltCommand, _ arguments: [String]
  ) throws -> BuiltCommand.Outcome {
    guard count > 1 else { return try command.run(arguments) }
    return try start([(count, command, arguments)]).outcome()
  }

  /// The process that is a rank of a run.
  static func process(ofRank rank: Int, of run: RunningCommand) throws -> Int32 {
    let wanted = "OMPI_COMM_WORLD_RANK=\(rank)"
    for name in TemporaryFolder.names(in: "/proc") {
      let folder = FilePath("/proc").appending(name)
      guard let process = Int32(name), let status = try? Fixtures.text(folder.appending("stat")),
        // pid (name) state parent …
        let rest = status.split(separator: ")").last,
        rest.split(separator: " ").dropFirst().first.flatMap({ Int32($0) }) == run.process,
        let variables = try? Fixtures.text(folder.appending("environ")),
        variables.split(separator: "\0").contains(where: { $0 == wanted })
      else { continue }
      return process
    }
    throw Errno.noSuchProcess
  }
}
