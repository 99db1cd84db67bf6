public import Failures
public import SystemPackage

/// Why the transformers that were named can't take a run's steps.
public enum TransformerError: Error {
  /// A folder of baked experts has one for each phase already.
  case twoForAPhase(folder: FilePath)
  /// Baked experts without a pipeline around them.
  case noPipeline(folder: FilePath)
  /// A folder of baked experts has only one.
  case folderLacks(phase: String, folder: FilePath, found: FilePath)
  /// One of several says of no phase that it is for.
  case noPhase(file: FilePath)
  /// One is of another family than the model.
  case otherFamily(file: FilePath, family: String, model: FilePath, modelFamily: String)
  /// A phase of the schedule has none.
  case noTransformer(phase: String, schedule: String, found: [(phase: String, argument: String)])
  /// One was asked for in a phase that there isn't.
  case unknownPhase(argument: String, schedule: String)
  /// An adapter acts on a transformer that has an expert baked in.
  case expertBakedIn(adapter: FilePath, phase: String, transformer: FilePath?, baked: String)
}

extension TransformerError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .twoForAPhase(let folder):
      "\(folder): holds a transformer for each phase, and --transformer names another; leave it out, "
        + "or give the model's own folder"
    case .noPipeline(let folder):
      "\(folder): baked transformers without the model's other components; give the model's folder: "
        + "--model MODEL --transformer \(folder)"
    case .folderLacks(let phase, let folder, let found):
      "\(folder): expected a baked expert for each phase, found \(found) and none for '\(phase)'; "
        + "bake it with glance-merge --phase both, or name one for each phase: --transformer "
        + "slow=FILE --transformer fast=FILE"
    case .noPhase(let file):
      "--transformer \(file): declares no phase, and several transformers are one for each phase; "
        + "say it: slow=\(file)"
    case .otherFamily(let file, let family, let model, let modelFamily):
      "\(file): a transformer of \(family), but \(model) is \(modelFamily)"
    case .noTransformer(let phase, let schedule, let found):
      "no transformer for phase '\(phase)' of this schedule (\(schedule)), found "
        + found.map { "'\($0.phase)' (\($0.argument))" }.joined(separator: ", ")
        + "; give --transformer \(phase)=FILE, or a --schedule with phases that have one"
    case .unknownPhase(let argument, let schedule):
      "\(argument): expected a phase of this schedule (\(schedule))"
    case .expertBakedIn(let adapter, let phase, let transformer, let baked):
      "\(adapter): an expert for phase '\(phase)', whose steps are taken by "
        + (transformer?.string ?? "the model's own transformer") + ", which has the expert for "
        + "'\(baked)' baked in; leave one of them out"
    }
  }

  /// Wrong data where a file is; else a mistake of usage.
  public var failureKind: FailureKind {
    switch self {
    case .otherFamily: .wrongData
    default: .usage
    }
  }
}
