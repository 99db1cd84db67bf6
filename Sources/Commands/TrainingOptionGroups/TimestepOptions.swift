internal import Adapters
public import ArgumentParser
internal import CommandSupport
internal import ExpertTraining
public import Schedules
internal import SystemPackage
internal import Training

/// Which timesteps are trained.
public struct TimestepOptions: ParsableArguments {
  /// Names of the experts; none: all.
  @Option(
    help: ArgumentHelp(
      "Expert to train: slow, fast, or another phase of the schedule; may be repeated "
        + "(default: both, all that the schedule has).", valueName: "phase"))
  public var phase: [String] = []

  /// The timesteps.
  @Option(
    help: "Timesteps: glance-5+5, glance-3+5, another preset, teacher:N, or sigmas.")
  public var preset = "glance-5+5"

  /// Steps of the teacher's grid.
  @Option(help: "Steps of the teacher's grid.")
  public var teacherSteps: Int?

  /// The slow phase's.
  @Option(help: "The slow phase's steps of that grid, counted from 0.")
  public var slowSteps: String?

  /// The fast phase's.
  @Option(help: "The fast phase's steps of that grid.")
  public var fastSteps: String?

  /// Where phases are cut.
  @Option(help: "Where the phases are cut: step:10, sigma:0.9 or logsnr:-4.39.")
  public var boundary: String?

  /// How timesteps are shared out.
  @Option(help: "Experts: slow-fast, single or uniform:K.")
  public var partition: String?

  /// The options with their defaults.
  public init() {}

  /// The schedule that these options describe.
  public func schedule() throws -> ScheduleRequest {
    var request = ScheduleRequest(try ScheduleRecipe(parsing: preset, option: "--preset"))
    request.teacherSteps = teacherSteps
    request.slowSteps = try slowSteps.map { try StepList(parsing: $0, option: "--slow-steps") }
    request.fastSteps = try fastSteps.map { try StepList(parsing: $0, option: "--fast-steps") }
    request.boundary = try boundary.map { try PhaseBoundary(parsing: $0) }
    request.partition = try partition.map { try Partition(parsing: $0) }
    return request
  }

  /// The experts to train; nil: all.
  public func phases() throws -> [Phase]? {
    if phase.isEmpty || phase.contains("both") || phase.contains("all") { return nil }
    return try phase.map { name in
      guard let phase = Phase(name: name) else {
        throw ValidationError("--phase: expected slow, fast or both, found '\(name)'")
      }
      return phase
    }
  }
}
