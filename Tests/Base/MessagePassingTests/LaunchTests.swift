import MessagePassing
import Testing

@Suite("How a launcher started a process")
struct LaunchTests {
  private func launch(_ variables: [String: String]) throws(RankError) -> Launch? {
    try Launch { variables[$0] }
  }

  @Test(
    "is told by the environment: alone",
    arguments: [
      [:], ["OMPI_COMM_WORLD_SIZE": "1", "PMIX_RANK": "0"],
      ["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "1"],
      ["OMPI_COMM_WORLD_SIZE": "4", "GLANCE_MPI": ""], ["PMI_RANK": "0", "PMI_SIZE": "1"],
      // srun without --mpi: a task may be anything.
      ["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"],
    ] as [[String: String]])
  func alone(_ variables: [String: String]) throws { #expect(try launch(variables) == nil) }

  @Test("is told by the environment: one of many")
  func many() throws {
    let mpirun = try #require(
      try launch(["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"]))
    #expect(mpirun.libraries.first == "libmpi.so.40")
    #expect(mpirun.localCount == 2)
    let named = try launch(["PMIX_RANK": "3", "GLANCE_MPI": "/opt/ompi/lib/libmpi.so"])
    #expect(named?.libraries == ["/opt/ompi/lib/libmpi.so"])
    #expect(named?.localCount == nil)
  }

  @Test("of another MPI is refused by name")
  func others() {
    #expect(throws: RankError.otherLauncher(detail: "MPICH's mpiexec")) {
      try launch(["PMI_RANK": "0", "PMI_SIZE": "2"])
    }
    #expect(throws: RankError.otherLauncher(detail: "srun --mpi=pmi2")) {
      try launch(["PMI_RANK": "0", "PMI_SIZE": "2", "SLURM_STEP_ID": "0"])
    }
  }

  @Test("of a library that isn't Open MPI's is refused by name, and nothing of it is called")
  func otherLibrary() throws {
    let launch = try #require(
      try launch(["OMPI_COMM_WORLD_SIZE": "2", "GLANCE_MPI": "libm.so.6"]))
    let error = #expect(throws: RankError.self) {
      try OpenMPI(joining: launch) { false }
    }
    #expect(
      error?.description
        == "libm.so.6: expected Open MPI 4 or newer, found a library without it; name another library with "
        + "GLANCE_MPI")
  }

  @Test("is served by Open MPI from version 4 on")
  func versions() {
    let debian =
      "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022"
    #expect(OpenMPI.title(of: debian) == "Open MPI v4.1.4")
    #expect(OpenMPI.major(of: debian) == 4)
    #expect(OpenMPI.major(of: "Open MPI v10.0.1, package") == 10)
    #expect(OpenMPI.major(of: "MPICH Version:\t4.0.2") == nil)
  }
}
