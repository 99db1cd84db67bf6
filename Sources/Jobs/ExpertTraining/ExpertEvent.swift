public import Schedules
public import SystemPackage
public import Training

/// What happens while experts are trained.
public enum ExpertEvent: Sendable {
  /// Nothing that is there stands in the way, and no other run writes files of this name.
  case admitted
  /// Something before the first step begins.
  case preparing(String)
  /// A warning for the person.
  case warning(String)
  /// An expert is there already, as it is asked for.
  case finishedBefore(Phase)
  /// An expert's run begins, or goes on after some steps.
  case began(Phase, step: Int)
  /// A step was taken.
  case step(Phase, TrainingRun.StepResult)
  /// The log and the state are about to be saved.
  case saving(Phase)
  /// Both were saved.
  case saved(Phase, step: Int, TrainingLog)
  /// An expert may be drawn with as it is; the log is that of the last save.
  case preview(ExpertPreview, TrainingLog)
  /// An expert is written.
  case wrote(TrainedExpert, TrainingLog)
}

/// An expert that was trained.
public struct TrainedExpert: Sendable {
  /// Its phase.
  public let phase: Phase
  /// Its file.
  public let file: FilePath
  /// Steps it was trained for.
  public let steps: Int
  /// Seconds that the steps of this run took; 0 where there was nothing left to do.
  public let seconds: Double
  /// Loss at every timestep of the phase with noise that is the same for both, of the base and with
  /// the adapter; those of the log, or none, for an expert that was there already.
  public let losses: [FixedNoiseLoss]
  /// Whether it was there already.
  public let isFromBefore: Bool
}
