public import Tensors
internal import Text

extension CheckpointDescription {
  /// Finds out what a checkpoint is: by its tensors, and by what the header of a GGUF file says where
  /// these are of nothing known.
  public init(of source: TensorSource, configuration: Configuration? = nil) {
    self.init(
      tensors: source.tensors.map(\.description), notes: StorageNotes(source),
      configuration: configuration, header: GGUFModel(of: source))
  }

  /// Finds out what tensors are, and checks every name and shape against the family.
  ///
  /// - Parameters:
  ///   - tensors: the headers of all tensors of a file or of all shards.
  ///   - notes: what the file's own notes say of how weights are stored.
  ///   - configuration: the component's config.json, when there is one; checked against them.
  public init(
    tensors: [TensorDescription], notes: StorageNotes = StorageNotes(),
    configuration: Configuration? = nil
  ) {
    self.init(tensors: tensors, notes: notes, configuration: configuration, header: nil)
  }

  /// The same of a file whose header says what it is.
  private init(
    tensors: [TensorDescription], notes: StorageNotes, configuration: Configuration?,
    header: GGUFModel?
  ) {
    let weights = WeightStorage(tensors, notes: notes, configuration: configuration)
    self.init(
      CheckpointSearch(tensors: tensors, weights: weights), configuration: configuration,
      header: header)
    guard weights.lacksShapes() else { return }
    let known = WeightStorage(
      tensors, notes: notes, configuration: configuration, shapes: shapesOfWeights)
    self = Self(
      CheckpointSearch(tensors: tensors, weights: known), configuration: configuration,
      header: header)
  }

  /// Shapes of the weights that the model has, by all of their names here, with nil for axes that nothing tells.
  private var shapesOfWeights: [String: [Int?]] {
    guard let model, let layout else { return [:] }
    let weights = model.entries(in: layout).filter { $0.parameter == "weight" }
    return Dictionary(
      weights.flatMap { entry in entry.names.map { (prefix + $0, entry.shape) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// The same of tensors whose storage is known.
  private init(
    _ search: CheckpointSearch, configuration: Configuration?, header: GGUFModel?
  ) {
    if let (model, prefix) = search.lookAlike() {
      self.init(
        subject: .lookAlike(title: model.title), prefix: prefix, search: search,
        layers: search.layerCounts(of: model, prefix: prefix),
        problems: [.lookAlike(title: model.title)])
    } else if let match = search.family() {
      self.init(match, search: search, configuration: configuration)
    } else if let match = search.component(header) {
      self.init(match, search: search, configuration: configuration)
    } else if let header, let component = header.component {
      self.init(
        subject: .component(name: component, kind: header.kind, title: header.title),
        layoutName: "gguf", search: search, problems: [])
    } else if let header {
      self.init(
        subject: .lookAlike(title: header.title), search: search,
        problems: [.lookAlike(title: header.title)])
    } else {
      self.init(subject: .unknown, search: search, problems: [])
    }
  }

  private init(
    _ match: CheckpointSearch.FamilyMatch, search: CheckpointSearch, configuration: Configuration?
  ) {
    let (family, layout, prefix) = match
    var dimensions = Dimensions(
      of: family, layout: layout, prefix: prefix, names: search.tensors.lazy.map(\.name),
      shape: search.shape)
    dimensions.takeFlags(of: family, from: configuration)
    let architecture = Architecture(family: family, dimensions: dimensions)
    var problems = search.attachment.map { [CheckpointProblem.adapterAttached($0)] } ?? []
    problems += architecture.blockGaps(layout: layout)
    if !search.weights.isRestructured(under: prefix) {
      problems += architecture.validate(search, layout: layout, prefix: prefix)
    }
    if let configuration { problems += architecture.check(configuration) }
    self.init(
      subject: .transformer(architecture), variant: architecture.variant,
      layoutName: family.layouts.first { $0.namesOf == layout.name && $0.prefix == prefix }?.name
        ?? layout.name,
      layout: layout, prefix: prefix, search: search, problems: problems)
  }

  private init(
    _ match: CheckpointSearch.ComponentMatch, search: CheckpointSearch,
    configuration: Configuration?
  ) {
    let (model, layout, prefix) = match
    let component = ComponentArchitecture(
      of: model, layout: layout, prefix: prefix, names: search.tensors.lazy.map(\.name),
      shape: search.shape)
    var problems = search.attachment.map { [CheckpointProblem.adapterAttached($0)] } ?? []
    if let component {
      if !search.weights.isRestructured(under: prefix) {
        problems += component.validate(search, layout: layout, prefix: prefix)
      }
      if let configuration { problems += component.check(configuration) }
    }
    let title = ([model.title] + (component?.lacking.map { "without \($0)" } ?? []))
      .joined(separator: ", ")
    self.init(
      subject: .component(name: model.name, kind: model.kind, title: title),
      layoutName: layout.name, layout: component == nil ? nil : layout, component: component,
      prefix: prefix, search: search, problems: problems)
  }

  private init(
    subject: Subject, variant: ModelFamily.Variant? = nil, layoutName: String? = nil,
    layout: Layout? = nil, component: ComponentArchitecture? = nil, prefix: String = "",
    search: CheckpointSearch,
    layers: [(name: String, count: Int)] = [], problems: [CheckpointProblem]
  ) {
    let own = search.stored.filter { $0.name.utf8HasPrefix(prefix) }
    let parameters = search.tensors.lazy.filter { $0.name.utf8HasPrefix(prefix) }
    self.init(
      subject: subject, variant: variant, layoutName: layoutName, layout: layout,
      component: component,
      prefix: prefix,
      parameterCount: parameters.reduce(0) { $0 &+ $1.elementCount }, tensorCount: own.count,
      dtypes: DTypeShare.shares(of: own), weights: search.weights,
      bundled: prefix.isEmpty ? [] : search.bundled(besides: prefix), layers: layers,
      problems: problems)
  }
}

extension Architecture {
  /// The variant that these dimensions show; nil when they fit none.
  package var variant: ModelFamily.Variant? {
    family.variants.first { variant in
      variant.sizes.allSatisfy { dimensions[$0.name] == $0.value }
        && variant.flags.allSatisfy { dimensions.flags[$0.name, default: false] == $0.value }
    }
  }

  /// Blocks that are missing below the highest one.
  fileprivate func blockGaps(layout: Layout) -> [CheckpointProblem] {
    family.blocks.compactMap { kind in
      guard let numbers = dimensions.blockNumbers[kind.name], let highest = numbers.last,
        numbers.count != highest + 1
      else { return nil }
      let present = Set(numbers)
      return .missingBlocks(
        path: layout.blockPath(of: kind),
        missing: Array((0...highest).lazy.filter { !present.contains($0) }.prefix(9)),
        highest: highest)
    }
  }

}

extension NamedModel {
  /// Compares a file's tensors with the ones that this model has under a layout.
  fileprivate func validate(
    _ search: CheckpointSearch, layout: Layout, prefix: String
  ) -> [CheckpointProblem] {
    var problems: [CheckpointProblem] = []
    var isKnown = Array(repeating: false, count: search.tensors.count)
    for expected in entries(in: layout) {
      let places = expected.names.compactMap { search.index[prefix + $0] }
      guard let position = places.first else {
        problems.append(.missing(tensor: prefix + expected.names[0], shape: expected.shape))
        continue
      }
      for place in places { isKnown[place] = true }
      let found = search.tensors[position]
      if let layer = search.weights.layer(ofParameter: position) {
        // Types are what the form says; nothing may tell the shape.
        if layer.shape != [], !expected.accepts(found.shape) {
          problems.append(
            .wrongShape(tensor: found.name, expected: expected.shape, found: found.shape))
        }
      } else if !expected.accepts(found.shape) {
        problems.append(
          .wrongShape(tensor: found.name, expected: expected.shape, found: found.shape))
      } else if !found.dtype.isFloatingPoint {
        problems.append(.wrongType(tensor: found.name, dtype: found.dtype))
      }
    }
    for name in markers where !name.hasSuffix(".") {
      if let position = search.index[prefix + name] { isKnown[position] = true }
    }
    for (position, tensor) in search.tensors.enumerated()
    where !isKnown[position] && tensor.name.utf8HasPrefix(prefix) {
      if search.attachment?.holds(tensor.name) == true { continue }
      if markers.contains(where: { $0.hasSuffix(".") && tensor.name.utf8HasPrefix(prefix + $0) }) {
        continue
      }
      problems.append(.unexpected(tensor: tensor.name, shape: tensor.shape))
    }
    return problems
  }
}
