public import Schedules
public import SystemPackage
public import Training

/// What happens while experts are trained.
public enum ExpertEvent: Sendable {
  /// Something before the first step begins.
  case preparing(String)
  /// A warning for the person.
  case warning(String)
  /// An expert's run begins, or goes on after some steps.
  case began(Phase, step: Int)
  /// A step was taken.
  case step(Phase, TrainingRun.StepResult)
  /// The state was saved.
  case saved(Phase, step: Int)
  /// An expert is written.
  case wrote(TrainedExpert)
}

/// An expert that was trained.
public struct TrainedExpert: Sendable {
  /// Its phase.
  public let phase: Phase
  /// Its file.
  public let file: FilePath
  /// Loss at every timestep of the phase with noise that is the same for both: of the base, and
  /// with the adapter.
  public let losses: [(sigma: Float, base: Double, adapted: Double)]
}
