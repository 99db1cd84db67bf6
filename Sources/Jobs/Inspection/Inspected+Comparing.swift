internal import Checkpoints
internal import Containers
internal import Tensors

/// A checkpoint as one side of a comparison.
extension Inspected {
  /// The checkpoint that this is: a file or folder, or a pipeline's transformer; nil when it is none.
  var checkpoint: OpenedCheckpoint? {
    if case .pipeline(_, let components) = subject,
      let transformer = components.first(where: { $0.name == "transformer" })?.inspection
    {
      return transformer.checkpoint
    }
    guard case .checkpoint(let description) = subject, let source else { return nil }
    return OpenedCheckpoint(
      path: path, source: source, configuration: configuration, description: description)
  }

  /// The checkpoint, of which no part is missing.
  ///
  /// - Parameter detail: what is said of anything else.
  /// - Returns: what ``checkpoint`` is.
  /// - Throws: ``InspectionError/notComparable(file:detail:)`` when this is none, and for a part whose
  ///   others aren't there: what it lacks would look like a difference.
  func wholeCheckpoint(orElse detail: String) throws -> OpenedCheckpoint {
    guard let checkpoint else {
      throw InspectionError.notComparable(file: path, detail: firstExpert ?? detail)
    }
    do { _ = try TensorSource(openingAny: checkpoint.path) } catch {
      if TensorSource.tellsOfMissingParts(error) { throw error }
    }
    return checkpoint
  }
}
