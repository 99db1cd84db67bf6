public import SystemPackage

extension CheckpointDescription {
  /// The architecture; an error when this is no known transformer, or has problems.
  ///
  /// - Parameters:
  ///   - file: what errors name.
  ///   - isHarmless: which problems are no obstacle to what is to be done.
  /// - Returns: the architecture.
  /// - Throws: ``CheckpointError``.
  public func requireArchitecture(
    file: FilePath, unless isHarmless: (CheckpointProblem) -> Bool = { _ in false }
  ) throws -> Architecture {
    let families = ModelFamily.all.map(\.title).joined(separator: " or ")
    let found: String
    switch subject {
    case .transformer(let architecture):
      let fatal = problems.filter { !isHarmless($0) }
      guard fatal.isEmpty else {
        throw CheckpointError.doesNotFit(
          file: file, family: architecture.family.title, problems: fatal)
      }
      return architecture
    case .component(_, _, let title): found = title
    case .lookAlike(let title): found = title
    case .unknown: found = "tensors of no known model"
    }
    throw CheckpointError.notRecognised(
      file: file, expected: "a transformer of \(families)", found: found)
  }
}
