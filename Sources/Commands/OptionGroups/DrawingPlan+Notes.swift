internal import Adapters
internal import CommandSupport
public import Drawing

extension DrawingPlan {
  /// Warns of what a person should know of the plan and of its adapters' files.
  public func tellNotes() {
    for note in notes { Terminal.warn(note) }
    for (source, note) in adapterNotes {
      Terminal.warn("\(source): " + note.sentence(sayingAlpha: AssumedAlphaOption.advice))
    }
  }
}
