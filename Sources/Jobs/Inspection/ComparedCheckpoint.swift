internal import Checkpoints
internal import GGUF
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// A checkpoint as one side of a comparison: a file or folder, or a pipeline's transformer.
struct ComparedCheckpoint: Sendable {
  let path: FilePath
  let source: TensorSource
  let description: CheckpointDescription

  /// The checkpoint that was inspected; nil when it is none.
  init?(_ inspection: Inspection) {
    var inspection = inspection
    if case .pipeline(_, let components) = inspection.subject,
      let transformer = components.first(where: { $0.name == "transformer" })?.inspection
    {
      inspection = transformer
    }
    guard case .checkpoint(let description) = inspection.subject, let source = inspection.source
    else { return nil }
    path = inspection.path
    self.source = source
    self.description = description
  }

  /// Refuses a part whose others aren't there: what it lacks would look like a difference.
  func requireWhole() throws {
    do { _ = try TensorSource(openingAny: path) } catch {
      switch error {
      case SafetensorsError.partOfCheckpoint, GGUFError.partOfCheckpoint: throw error
      default: return
      }
    }
  }

  /// What it is, in few words.
  var title: String {
    switch description.subject {
    case .transformer(let architecture): architecture.family.title + " transformer"
    case .component(_, _, let title): title
    case .lookAlike(let title): title
    case .unknown: "tensors of no known model"
    }
  }

  /// A name that is equal for what is equal: of a transformer its family, of a component its kind.
  var kind: String {
    switch description.subject {
    case .transformer(let architecture): architecture.family.name
    case .component(let name, _, _): name
    case .lookAlike(let title): title
    case .unknown: ""
    }
  }

  /// Every tensor under its name without the prefix.
  fileprivate var tensorsByName: [ComparedTensor] {
    source.tensors.map { ComparedTensor($0, name: withoutPrefix($0.name)) }
  }

  /// The canonical tensors, then what belongs to none.
  fileprivate var canonicalTensors: [ComparedTensor] {
    guard let architecture = description.architecture, let layout = description.layout else {
      return tensorsByName
    }
    let index = TensorIndex(source.tensors.lazy.map(\.name))
    var isUsed = [Bool](repeating: false, count: source.tensors.count)
    var tensors: [ComparedTensor] = []
    for (module, parameter, placement) in architecture.parameterPlacements(in: layout) {
      let positions = placement.names.lazy.compactMap { index[description.prefix + $0] }
      guard let position = positions.first,
        let part = ComparedTensor(
          source.tensors[position], name: "\(module).\(parameter)", placement: placement)
      else { continue }
      isUsed[position] = true
      tensors.append(part)
    }
    let rest = zip(source.tensors, isUsed).filter { !$0.1 }.map(\.0)
    return tensors + rest.map { ComparedTensor($0, name: withoutPrefix($0.name)) }
  }

  private func withoutPrefix(_ name: String) -> String {
    let prefix = description.prefix.utf8
    guard name.utf8.starts(with: prefix) else { return name }
    return String(Substring(name.utf8.dropFirst(prefix.count)))
  }
}

/// The tensors of two checkpoints, put together by name.
struct ComparedPairs: Sendable {
  /// Whether fused and renamed tensors were taken apart because the layouts differ.
  let isByModules: Bool
  let both: [(left: ComparedTensor, right: ComparedTensor)]
  let onlyLeft: [ComparedTensor]
  let onlyRight: [ComparedTensor]

  init(_ left: ComparedCheckpoint, _ right: ComparedCheckpoint) {
    isByModules =
      left.description.family != nil && left.kind == right.kind
      && left.description.layout?.namesOf != right.description.layout?.namesOf
    let lefts = isByModules ? left.canonicalTensors : left.tensorsByName
    let rights = isByModules ? right.canonicalTensors : right.tensorsByName
    let leftIndex = TensorIndex(lefts.lazy.map(\.name))
    let rightIndex = TensorIndex(rights.lazy.map(\.name))
    both = lefts.compactMap { tensor in rightIndex[tensor.name].map { (tensor, rights[$0]) } }
    onlyLeft = lefts.filter { rightIndex[$0.name] == nil }
    onlyRight = rights.filter { leftIndex[$0.name] == nil }
  }
}
