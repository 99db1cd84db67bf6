internal import Checkpoints
internal import Tensors

/// The parameters of two checkpoints, put together by name.
struct ParameterPairs: Sendable {
  typealias Parameter = (name: String, weight: StoredWeight)

  /// Whether fused and renamed tensors were taken apart because the layouts differ.
  let isByModules: Bool
  /// Those of both, in the order of the first.
  let both: [(left: Parameter, right: Parameter)]
  /// Those of the first only.
  let onlyLeft: [Parameter]
  /// Those of the second only.
  let onlyRight: [Parameter]
  /// Tensors of the first that are no parameters.
  let leftCompanions: [TensorView]
  /// The same of the second.
  let rightCompanions: [TensorView]

  init(_ left: OpenedCheckpoint, _ right: OpenedCheckpoint) throws {
    let (mine, other) = (left.description, right.description)
    isByModules =
      mine.family != nil && mine.kind == other.kind
      && mine.layout?.namesOf != other.layout?.namesOf
    let naming = isByModules ? StoredParameters.Naming.canonical : .own
    let lefts = try StoredParameters(left, naming)
    let rights = try StoredParameters(right, naming)
    both = Self.list(lefts).compactMap { parameter in
      rights[parameter.name].map { (parameter, (parameter.name, $0)) }
    }
    onlyLeft = Self.list(lefts).filter { rights[$0.name] == nil }
    onlyRight = Self.list(rights).filter { lefts[$0.name] == nil }
    leftCompanions = lefts.companions
    rightCompanions = rights.companions
  }

  private static func list(_ parameters: StoredParameters) -> [Parameter] {
    zip(parameters.names, parameters.weights).map { ($0, $1) }
  }
}
