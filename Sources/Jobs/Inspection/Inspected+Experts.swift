public import Adapters
internal import Checkpoints
internal import Files
internal import SystemPackage
internal import Tensors

/// What a merge for both phases wrote: how its experts go together, and what they share.
extension Inspected {
  /// Whether it holds a baked expert for each phase.
  public var holdsExperts: Bool {
    if case .experts = subject { true } else { false }
  }

  /// Which expert to compare instead of all; nil for anything else.
  var firstExpert: String? {
    guard holdsExperts, let first = parts.first else { return nil }
    return "a baked expert for each phase; compare one, such as \(first.path)"
  }

  /// What is wrong with experts as a whole.
  var expertFindings: [Finding] {
    guard case .experts(let folder, let experts) = subject else { return [] }
    var findings = folder.faults.map { Finding(.error, "\($0)") }
    if findings.isEmpty {
      findings += folder.missingPhases.map { Finding(.error, "no expert for phase '\($0)'") }
    }
    let conflict = BakedConflict.first(
      among: folder.experts.map { ($0.declared.phase, $0) })
    if let conflict { findings.append(Finding(.error, conflict.description)) }
    let schedules = experts.map(\.declared.sigmas)
    if let first = schedules.first, schedules.contains(where: { $0 != first }) {
      findings.append(
        Finding(
          .warning,
          "the experts declare different schedules, so that glance-sample needs --schedule"))
    } else if schedules.allSatisfy({ $0 == nil }) {
      findings.append(
        Finding(.warning, "no schedule is declared, so that glance-sample needs --schedule"))
    }
    return findings
      + zip(folder.experts, experts).flatMap { expert, inspection in
        inspection.findings.map { Finding($0.severity, "\(expert.name): \($0.text)") }
      }
  }

  /// The schedule on which all experts agree.
  public var commonSchedule: GlanceMetadata? {
    guard case .experts(_, let experts) = subject, let first = experts.first?.declared,
      first.sigmas != nil, experts.allSatisfy({ $0.declared.sigmas == first.sigmas })
    else { return nil }
    return first
  }

  /// Components of the experts' pipelines whose files are the same ones in all, in the order of
  /// model_index.json.
  public var sharedComponents: [String] {
    guard case .experts(_, let experts) = subject else { return [] }
    let pipelines = experts.compactMap { expert -> PipelineFolder? in
      if case .pipeline(let pipeline, _) = expert.subject { pipeline } else { nil }
    }
    guard let first = pipelines.first, pipelines.count == experts.count, experts.count > 1 else {
      return []
    }
    return first.components.map(\.name).filter { name in
      let files = Self.files(of: first.path.appending(name))
      return !files.isEmpty
        && pipelines.dropFirst().allSatisfy { Self.files(of: $0.path.appending(name)) == files }
    }
  }

  /// Bytes of the transformers' tensors that lie in one file for all experts.
  public var sharedTransformerByteCount: Int {
    let transformers = transformers
    guard transformers.count > 1, let first = transformers.first else { return 0 }
    let others = transformers.dropFirst().map { Set($0.files.compactMap { FileIdentity(of: $0) }) }
    let shared = first.files.filter { file in
      guard let identity = FileIdentity(of: file) else { return false }
      return others.allSatisfy { $0.contains(identity) }
    }
    return first.tensors.reduce(0) { sum, tensor in
      sum + (tensor.file.map(shared.contains) == true ? tensor.byteCount : 0)
    }
  }

  /// Bytes of one expert's transformer.
  public var expertByteCount: Int { transformers.first?.byteCount ?? 0 }

  /// The experts' transformers.
  private var transformers: [TensorSource] {
    parts.compactMap { expert in
      guard case .pipeline(_, let components) = expert.subject else { return expert.source }
      return components.first { $0.name == "transformer" }?.inspection?.source
    }
  }

  /// Bytes of the tensors of all files, each once.
  var distinctByteCount: Int {
    var seen: Set<FileIdentity> = []
    var count = 0
    for source in parts.flatMap({ $0.source.map { [$0] } ?? $0.parts.compactMap(\.source) }) {
      let identities = source.files.map { (file: $0, identity: FileIdentity(of: $0)) }
      let known = Set(identities.filter { $0.identity.map(seen.contains) == true }.map(\.file))
      count += source.tensors.reduce(0) { sum, tensor in
        sum + (tensor.file.map(known.contains) == true ? 0 : tensor.byteCount)
      }
      seen.formUnion(identities.compactMap(\.identity))
    }
    return count
  }

  /// The files of a component's folder by name.
  private static func files(of folder: FilePath) -> [String: FileIdentity] {
    let names = visibleEntries(ofFolder: folder) ?? []
    return Dictionary(
      names.compactMap { name in
        FileIdentity(of: folder.appending(name)).map { (name, $0) }
      }, uniquingKeysWith: { first, _ in first })
  }
}
