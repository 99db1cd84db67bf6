public import Failures

/// Why several processes can't compute together, or no longer.
public enum RankError: Error, Equatable {
  /// What started the processes isn't what this program takes part with.
  case otherLauncher(detail: String)
  /// The library isn't there.
  case noLibrary(name: String, detail: String)
  /// A library that is there can't be used.
  case otherLibrary(name: String, found: String)
  /// A rank was started with another build, other options or other data than the first.
  case differs(rank: Int, host: String, what: String, found: String, expected: String)
  /// A rank can't do its part; the rest is its own error.
  case rankFailed(rank: Int, host: String, detail: String, kind: FailureKind)
  /// A message did not get through.
  case lost(rank: Int, detail: String)
  /// A signal came while this rank waited for another.
  case stopped
  /// The first rank ended the run and says why; this one has nothing to say.
  case dismissed(status: Int32)
}

extension RankError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .otherLauncher(let detail):
      "started as one of several processes by \(detail): expected Open MPI's mpirun, or srun "
        + "--mpi=pmix; with GLANCE_MPI set to nothing each process stands alone"
    case .noLibrary(let name, let detail):
      "\(name): cannot load Open MPI: \(detail); install it (Debian: openmpi-bin), name its library "
        + "with GLANCE_MPI, or set that to nothing to run alone"
    case .otherLibrary(let name, let found):
      "\(name): expected Open MPI 4 or newer, found \(found); name another library with GLANCE_MPI"
    case .differs(let rank, let host, let what, let found, let expected):
      "rank \(rank) on \(host): '\(what)' is \(found), and \(expected) on the first rank; start all "
        + "ranks with the same program, options and data"
    case .rankFailed(let rank, let host, let detail, _):
      "rank \(rank) on \(host): \(detail)"
    case .lost(let rank, let detail):
      "rank \(rank) is lost: \(detail)"
    case .stopped:
      "stopped while waiting for another rank"
    case .dismissed:
      "ended by the first rank"
    }
  }

  /// By what went wrong.
  public var failureKind: FailureKind {
    switch self {
    case .otherLauncher, .noLibrary, .otherLibrary: .unavailable
    case .differs: .usage
    case .rankFailed(_, _, _, let kind): kind
    case .lost, .stopped: .inputOutput
    case .dismissed(let status): FailureKind(rawValue: status) ?? .inputOutput
    }
  }
}
