/// How a launcher of several processes started this one, by what it left in the environment.
///
/// Source: Open MPI's mpirun(1) (OMPI_COMM_WORLD_SIZE); openpmix/openpmix, `pmix_server.c` (PMIX_RANK); Slurm's
/// srun(1) (SLURM_STEP_NUM_TASKS); MPICH's Hydra and Slurm's pmi2 (PMI_RANK, PMI_SIZE).
public struct Launch: Sendable, Equatable {
  /// The variable that names another library than the system's; empty: processes stand alone.
  public static let libraryVariable = "GLANCE_MPI"

  /// The libraries to try, in order: Open MPI 4 and 5; then others, to say what is there instead.
  public let libraries: [String]

  /// Processes of this launch on this machine, where that is known.
  public let localCount: Int?

  /// Looks how this process was started; nil where it stands alone.
  ///
  /// - Parameter variable: the value of a variable of the environment.
  /// - Throws: ``RankError/otherLauncher(detail:)``.
  public init?(environment variable: (String) -> String?) throws(RankError) {
    let named = variable(Self.libraryVariable)
    guard named?.isEmpty != true else { return nil }
    func number(_ name: String) -> Int? { variable(name).flatMap { Int($0) } }
    if let count = number("OMPI_COMM_WORLD_SIZE") {
      guard count > 1 else { return nil }
    } else if variable("PMIX_RANK") != nil {
      guard number("SLURM_STEP_NUM_TASKS") != 1 else { return nil }
    } else {
      guard let count = number("PMI_SIZE"), count > 1, variable("PMI_RANK") != nil else {
        return nil
      }
      throw .otherLauncher(
        detail: variable("SLURM_STEP_ID") != nil ? "srun --mpi=pmi2" : "MPICH's mpiexec")
    }
    libraries = named.map { [$0] } ?? ["libmpi.so.40", "libmpi.so.20", "libmpi.so.12"]
    localCount = number("OMPI_COMM_WORLD_LOCAL_SIZE")
  }
}
