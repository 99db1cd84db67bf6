public import Adapters
internal import CommandSupport
public import Drawing

extension AdapterNote {
  /// Warns of what a person should know of an adapter's file.
  public func warn(of source: String) {
    Terminal.warn("\(source): " + sentence(sayingAlpha: AssumedAlphaOption.advice))
  }
}

extension DrawingBatch {
  /// Warns of what a person should know of the plans and of their adapters' files, once.
  public func tellNotes() {
    for note in notes { Terminal.warn(note) }
    for (source, note) in adapterNotes { note.warn(of: source) }
  }
}

extension DrawingPlan {
  /// Warns of what a person should know of the plan and of its adapters' files.
  public func tellNotes() {
    for note in notes { Terminal.warn(note) }
    for (source, note) in adapterNotes { note.warn(of: source) }
  }
}
