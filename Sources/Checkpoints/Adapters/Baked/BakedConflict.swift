internal import Checkpoints
public import Failures
public import SystemPackage

/// Why baked experts don't go together in one run.
public enum BakedConflict: Error, Equatable {
  /// Several have one phase.
  case samePhase(phase: String, files: [FilePath])
  /// They were baked into different bases.
  case otherBase(file: FilePath, base: String, other: FilePath, otherBase: String)
  /// They are transformers of different families.
  case otherFamily(file: FilePath, family: String, other: FilePath, otherFamily: String)
}

extension BakedConflict {
  /// Looks for a conflict among experts.
  ///
  /// - Parameter experts: each with the phase that it is to serve.
  /// - Returns: the first; nil when there is none.
  public static func first(
    among experts: [(phase: String?, expert: BakedExpert)]
  ) -> BakedConflict? {
    for (index, (phase, expert)) in experts.enumerated() {
      for (otherPhase, other) in experts[..<index] {
        if let phase, phase == otherPhase {
          return .samePhase(phase: phase, files: [other.path, expert.path])
        }
        if let family = expert.family, let otherFamily = other.family,
          family.name != otherFamily.name
        {
          return .otherFamily(
            file: expert.path, family: family.title, other: other.path,
            otherFamily: otherFamily.title)
        }
        if let base = expert.base, let otherBase = other.base, !base.canBe(otherBase) {
          return .otherBase(
            file: expert.path, base: "\(base)", other: other.path, otherBase: "\(otherBase)")
        }
      }
    }
    return nil
  }
}

extension BakedConflict: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .samePhase(let phase, let files):
      "\(files.map(\.string).joined(separator: ", ")): all serve phase '\(phase)', expected one "
        + "transformer for each phase; say which serves which: slow=FILE fast=FILE"
    case .otherBase(let file, let base, let other, let otherBase):
      "\(file): baked into \(base), but \(other) into \(otherBase); bake both into one base"
    case .otherFamily(let file, let family, let other, let otherFamily):
      "\(file): a transformer of \(family), but \(other) is one of \(otherFamily)"
    }
  }

  /// A mistake of usage where phases are said twice, else wrong data.
  public var failureKind: FailureKind {
    if case .samePhase = self { .usage } else { .wrongData }
  }
}
