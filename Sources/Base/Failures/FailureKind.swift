/// What went wrong in general: enough for a program that started a command to decide what to do.
///
/// The raw values are the exit statuses of every command, those of BSD's sysexits.h.
public enum FailureKind: Int32, Sendable, CaseIterable {
  /// The command line makes no sense.
  case usage = 64
  /// An input is there, and wrong.
  case wrongData = 65
  /// An input isn't there or can't be opened.
  case inputMissing = 66
  /// Something needed is not available: memory, a component, a feature of the machine.
  case unavailable = 69
  /// A mistake of this program.
  case internalMistake = 70
  /// An output can't be created, or exists and may not be replaced.
  case outputRefused = 73
  /// Reading or writing failed; the disk is full.
  case inputOutput = 74
}

/// An error that knows what kind of failure it is.
///
/// A library's error conforms, so that every command ends with the same status for it. One that
/// wraps an error of another library passes that one's kind on.
public protocol ClassifiedError: Error {
  /// What went wrong in general.
  var failureKind: FailureKind { get }
}
