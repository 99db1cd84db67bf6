/// What happens while arms are drawn.
public enum EvaluationEvent: Sendable {
  /// A note for the person.
  case note(String)
  /// An arm begins; so many of its pictures are there already.
  case arm(String, alreadyDrawn: Int)
  /// Forward passes so far, with those of earlier runs.
  case passes(Int)
}
