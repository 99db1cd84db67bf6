internal import Compression
public import Failures
internal import Files
public import SystemPackage

/// Why a checkpoint, a component or a pipeline can't be used.
public enum CheckpointError: Error {
  /// A configuration isn't a JSON object of a sensible size.
  case malformedConfiguration(file: FilePath, detail: String)
  /// A key of a configuration holds something else than it must.
  case badValue(file: FilePath, key: String, expected: String, found: String)
  /// A folder has no model_index.json, or is a file.
  case notAPipeline(folder: FilePath, isFile: Bool = false)
  /// A folder is no checkpoint or pipeline, but folders in it are.
  case inside(folder: FilePath, kind: String, names: [String])
  /// A folder has GGUF files that aren't one checkpoint; names, with what each is.
  case severalGGUF(folder: FilePath, files: [String])
  /// A pipeline lacks a component.
  case missingComponent(folder: FilePath, component: String, detail: String)
  /// A tensor that is needed isn't there.
  case missingTensor(file: FilePath, tensor: String)
  /// Two tensors have one name without what wrappers left in them.
  case sameName(file: FilePath, tensors: [String], name: String)
  /// The weights were saved while an adapter was attached.
  case adapterAttached(file: FilePath, AttachedAdapter)
  /// A file that only undoes a merge.
  case undoFile(file: FilePath, merged: String)
  /// The tensors are of another architecture, or of none that is known.
  case notRecognised(file: FilePath, expected: String, found: String)
  /// The tensors don't fit their family.
  case doesNotFit(file: FilePath, family: String, problems: [CheckpointProblem])
  /// Weights are stored in a form whose numbers can't be used.
  case storedOtherwise(file: FilePath, detail: String)
  /// A target of an adapter selects no module.
  case unknownTarget(target: String, family: String)
}

extension CheckpointError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .malformedConfiguration(let file, let detail): "\(file): \(detail)"
    case .badValue(let file, let key, let expected, let found):
      "\(file): '\(key)' is \(found), expected \(expected)"
    case .notAPipeline(let file, isFile: true):
      "\(file): a file, expected a diffusers pipeline folder, which has a model_index.json"
    case .notAPipeline(let folder, isFile: false) where !folder.isFolder:
      "\(folder): no such folder; expected a diffusers pipeline folder on this machine, nothing is downloaded"
    case .notAPipeline(let folder, isFile: false):
      "\(folder): no model_index.json or modular_model_index.json; expected a diffusers pipeline "
        + "folder"
    case .inside(let folder, let kind, let names):
      "\(folder): no \(kind) itself, but \(names.joined(separator: ", ")) in it; name one, such as "
        + "\(folder.appending(names.first ?? ""))"
    case .severalGGUF(let folder, let files):
      "\(folder): \(files.count) GGUF files that are not one checkpoint: "
        + files.prefix(8).joined(separator: ", ")
        + (files.count > 8 ? " and \(files.count - 8) more" : "")
        + "; name one of them, or keep one here, of Qwen2.5-VL the language part and its mmproj file"
    case .missingComponent(let folder, let component, let detail):
      "\(folder): component '\(component)' is missing: \(detail)"
    case .missingTensor(let file, let tensor): "\(file): no tensor '\(tensor)'"
    case .sameName(let file, let tensors, let name):
      "\(file): tensors \(tensors.map { "'\($0)'" }.joined(separator: " and ")) are both '\(name)' "
        + "without what a wrapper left in their names, expected one of them; save the model once, "
        + "unwrapped"
    case .adapterAttached(let file, let adapter): "\(file): \(adapter.advice)"
    case .undoFile(let file, let merged):
      "\(file): the undo file of '\(merged)', not a checkpoint of its own; glance-merge \(merged) "
        + "--undo \(file.lastComponent?.string ?? "") --output BASE gives the base back"
    case .notRecognised(let file, let expected, let found):
      "\(file): \(found), expected \(expected)"
    case .doesNotFit(let file, let family, let problems):
      "\(file): does not fit \(family): "
        + problems.prefix(10).map(\.description).joined(separator: "; ")
        + (problems.count > 10 ? "; and \(problems.count - 10) more" : "")
    case .storedOtherwise(let file, let detail): "\(file): \(detail)"
    case .unknownTarget(let target, let family):
      "target '\(target)' selects no linear module of \(family); "
        + "give a suffix such as to_q, a whole path, or * for all in blocks"
    }
  }
}

extension CheckpointError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .notAPipeline, .inside, .missingComponent: .inputMissing
    case .unknownTarget: .usage
    default: .wrongData
    }
  }
}
