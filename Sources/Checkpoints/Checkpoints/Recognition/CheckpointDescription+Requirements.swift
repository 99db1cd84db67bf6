public import SystemPackage

/// What a checkpoint is needed for, which tells what may be wrong with it. Tensors that its model doesn't
/// know are no obstacle to either.
public enum CheckpointUse: Sendable {
  /// Its numbers are computed with: it lacks nothing, and config.json says the same as the tensors.
  case computing
  /// It is written anew, and config.json with it, by what its tensors are.
  case rewriting

  fileprivate func forgives(_ problem: CheckpointProblem) -> Bool {
    switch problem {
    case .unexpected: true
    case .configuration: self == .rewriting
    default: false
    }
  }
}

extension CheckpointDescription {
  /// The architecture; an error when this is no known transformer, or has problems.
  ///
  /// - Parameters:
  ///   - file: what errors name.
  ///   - use: what it is needed for.
  /// - Returns: the architecture.
  /// - Throws: ``CheckpointError/notRecognised(file:expected:found:)`` and
  ///   ``CheckpointError/doesNotFit(file:family:problems:)``.
  public func requireArchitecture(
    file: FilePath, for use: CheckpointUse
  ) throws -> Architecture {
    let families = ModelFamily.all.map(\.title).joined(separator: " or ")
    let found: String
    switch subject {
    case .transformer(let architecture):
      let fatal = problems.filter { !use.forgives($0) }
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

  /// Refuses a component that lacks something or has wrong shapes, for writing it anew.
  package func checkComponent(_ component: ComponentArchitecture, file: FilePath) throws {
    let fatal = problems.filter { !CheckpointUse.rewriting.forgives($0) }
    guard fatal.isEmpty else {
      throw CheckpointError.doesNotFit(
        file: file, family: component.model.title, problems: fatal)
    }
  }
}
