internal import Adapters
internal import Checkpoints
internal import Rewriting
internal import SystemPackage
internal import Tensors

/// What all adapters of a merge do, parameter by parameter.
struct WantedChanges {
  /// Low-rank changes, by the canonical name of the parameter; they are summed as one.
  private var factors: [String: [LowRankDelta.Factors]] = [:]
  /// Changes of other kinds.
  private var others: [String: [Other]] = [:]

  private struct Other {
    let change: ParameterChange
    let strength: Double
    /// Whose lengths it has, which fused modules have in common: the adapter's number and the module's name
    /// in it; nil for a change without.
    let lengths: String?
  }

  /// What one change is at a place, before its lengths and with them its strength.
  private struct Piece {
    let other: Other
    let part: any DeltaPart
    let rows: PartRows
  }

  private var adapterCount = 0
  /// Whether who asks may choose to leave out what doesn't go with the base.
  private let mayLeaveOut: Bool

  /// No changes yet.
  init(mayLeaveOut: Bool = true) { self.mayLeaveOut = mayLeaveOut }

  /// Canonical names of the parameters that change.
  var parameters: Set<String> { Set(factors.keys).union(others.keys) }

  /// Takes an adapter's changes; answers the modules that don't go with the base, by their paths.
  mutating func collect(
    _ merged: MergedAdapter, _ request: BakeRequest, _ architecture: Architecture
  ) throws -> [(path: String, misfit: MergeError.Misfit)] {
    let places = Dictionary(
      architecture.modules.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    var misfits: [(path: String, misfit: MergeError.Misfit)] = []
    func refuse(_ path: String, _ name: String, _ found: [Int], _ expected: [Int?]?) {
      misfits.append(
        (
          path,
          .init(name: Self.fullName(path, name), shapes: expected.map { (found, $0) })
        ))
    }
    for module in merged.adapter.modules {
      let place = places[module.path]
      guard let place, place.template.kind == .linear, place.outFeatures == module.outFeatures,
        let columns = place.inFeatures,
        columns == module.inFeatures || architecture.isWidened(module.path, from: module.inFeatures)
      else {
        refuse(
          module.path, module.name, [module.outFeatures, module.inFeatures],
          place?.shape(of: "weight"))
        continue
      }
      add(module, strength: merged.strength(of: module.path), columns: columns)
    }
    for change in merged.adapter.changes {
      let shape = places[change.path]?.shape(of: change.parameter.rawValue)
      guard let shape, shape == change.shape.map(Optional.some) else {
        let path = change.parameter == .weight ? change.path : change.parameterName
        refuse(path, change.name, change.shape, shape)
        continue
      }
      try add(change, of: merged)
    }
    adapterCount += 1
    var named = Set<String>()
    misfits.removeAll { !named.insert($0.path).inserted }
    guard misfits.isEmpty || request.isPartial else {
      throw MergeError.modulesDontLand(
        adapter: merged.file, base: request.base,
        moduleCount: merged.adapter.transformerPart.paths.count,
        modules: misfits.map(\.misfit), mayLeaveOut: mayLeaveOut)
    }
    return misfits
  }

  /// Takes what an adapter does to a text encoder, whose tensors these are; answers the modules that don't go with
  /// it.
  mutating func collect(
    _ merged: MergedAdapter, ofEncoder component: String, _ entries: [LayoutEntry],
    _ request: BakeRequest
  ) throws -> [String] {
    let part = merged.adapter.textEncoders[component] ?? AdapterPart(modules: [])
    let shapes = entries.shapesOfParameters
    var misfits: [MergeError.Misfit] = []
    func refuse(_ path: String, _ name: String, _ found: [Int], _ expected: [Int?]?) {
      misfits.append(
        .init(name: Self.fullName(path, name), shapes: expected.map { (found, $0) }))
    }
    for module in part.modules {
      let (found, shape) = (
        [module.outFeatures, module.inFeatures], shapes[module.path + ".weight"]
      )
      if shape == found {
        add(
          module, strength: merged.strength(of: module.path, in: component),
          columns: module.inFeatures)
      } else {
        refuse(module.path, module.name, found, shape)
      }
    }
    for change in part.changes {
      let shape = shapes[change.parameterName]
      if shape == change.shape {
        try add(change, of: merged, component)
      } else {
        let path = change.parameter == .weight ? change.path : change.parameterName
        refuse(path, change.name, change.shape, shape)
      }
    }
    adapterCount += 1
    guard misfits.isEmpty || request.isPartial else {
      throw MergeError.modulesDontLand(
        adapter: merged.file, base: request.base.appending(component),
        moduleCount: part.paths.count, modules: misfits, mayLeaveOut: mayLeaveOut)
    }
    return misfits.map(\.name)
  }

  /// Adds a change that has its place.
  private mutating func add(
    _ change: ParameterChange, of merged: MergedAdapter,
    _ component: String = Adapter.transformer
  ) throws {
    let strength = merged.strength(of: change.path, in: component)
    guard strength != 0, change.scale != 0 || change.dependsOnBase else { return }
    if change.isReplacement,
      others[change.parameterName]?.contains(where: \.change.isReplacement) ?? false
    {
      throw MergeError.replacedTwice(adapter: merged.file, parameter: change.parameterName)
    }
    others[change.parameterName, default: []].append(
      Other(
        change: change, strength: strength,
        lengths: change.magnitude == nil ? nil : "\(adapterCount)/\(change.name)"))
  }

  /// Adds a low-rank change of a weight of so many columns.
  private mutating func add(_ module: AdapterModule, strength: Double, columns: Int) {
    let scale = module.scale * strength
    // Without a change nothing is stored anew, to the sign of a zero.
    guard scale != 0 else { return }
    factors[module.path + ".weight", default: []].append(
      LowRankDelta.Factors(
        down: module.down(reading: columns), up: module.up.floats(), rank: module.rank,
        scale: scale))
  }

  /// The path, and what the file calls it where that isn't the same.
  private static func fullName(_ path: String, _ name: String) -> String {
    name.utf8.reversed().starts(with: path.utf8.reversed()) ? path : "\(path) (\(name))"
  }

  // MARK: Deltas

  /// What is added to each tensor of an output; parameters in the order of their rows.
  func deltas(
    _ conversion: RewritingPlan, _ model: some NamedModel
  ) throws -> [[ParameterDelta]] {
    var deltas = [[ParameterDelta]](repeating: [], count: conversion.tensors.count)
    let places = try self.places(conversion, model)
    let pieces = places.map { self.pieces(at: $0) }
    let lengths = lengths(zip(places, pieces))
    for (place, pieces) in zip(places, pieces) {
      var parts: [any DeltaPart] = []
      if let own = factors[place.parameter] {
        parts.append(
          LowRankDelta(
            module: place.module, rows: place.rows, columns: place.columns,
            factors: own.map { $0.rows(place.moduleRows) }))
      }
      for piece in pieces {
        guard let own = piece.other.lengths.flatMap({ lengths[$0] }) else {
          parts.append(piece.part)
          continue
        }
        parts.append(
          MagnitudeDelta(
            part: piece.part, tensor: place.tensor, rows: piece.rows, lengths: own,
            strength: piece.other.strength))
      }
      deltas[place.tensor].append(
        ParameterDelta(
          module: place.module, rows: place.rows, columns: place.columns, parts: parts))
    }
    return deltas
  }

  /// Where every changed parameter lies in the output.
  private func places(
    _ conversion: RewritingPlan, _ model: some NamedModel
  ) throws -> [ParameterPlace] {
    guard let target = conversion.target else { return [] }
    let (index, changed) = (TensorIndex(conversion.tensors.map(\.name)), parameters)
    var places: [ParameterPlace] = []
    for entry in model.entries(in: target.layout) where entry.holdsAny(of: changed) {
      let found = entry.names.lazy.compactMap { index[target.prefix + $0] }.first
      guard let position = found else { continue }
      let columns = entry.shape.count == 2 ? entry.columns : 1
      for (parameter, placement) in zip(zip(entry.parts, entry.parameters), entry.placements) {
        guard changed.contains(parameter.1), let columns else { continue }
        guard case .elements(_, let encoding) = conversion.tensors[position].origin,
          encoding != .copy
        else {
          throw MergeError.unsupportedDType(
            base: conversion.request.input, tensor: conversion.tensors[position].name,
            found: "a dtype that is no floating type")
        }
        places += placement.runs.map { run in
          ParameterPlace(
            parameter: parameter.1,
            module: entry.parameter == "weight" ? parameter.0.module : parameter.1,
            tensor: position, rows: run.tensorRow..<run.tensorRow + run.module.count,
            moduleRows: run.module, columns: columns)
        }
      }
    }
    return places
  }

  /// What the changes that are no low-rank pairs are at a place. A change with lengths is scaled by them.
  private func pieces(at place: ParameterPlace) -> [Piece] {
    (others[place.parameter] ?? []).map { other in
      let scale = other.change.scale * (other.lengths == nil ? other.strength : 1)
      let rows = other.change.rows(at: place)
      return Piece(
        other: other, part: other.change.part(at: place, rows, scale: scale), rows: rows)
    }
  }

  /// The lengths of every module that has some, over all places of the modules that are fused with it.
  private func lengths(
    _ places: some Sequence<(ParameterPlace, [Piece])>
  ) -> [String: ChangedLengths] {
    var found: [String: (magnitude: TensorView, places: [ColumnLengths.Place])] = [:]
    for (place, pieces) in places {
      for piece in pieces {
        guard let magnitude = piece.other.change.magnitude, let lengths = piece.other.lengths else {
          continue
        }
        found[lengths, default: (magnitude, [])].places.append(
          ColumnLengths.Place(tensor: place.tensor, part: piece.part, rows: piece.rows))
      }
    }
    return found.mapValues { magnitude, places in
      let stored = magnitude.floats()
      return magnitude.shape[1] == 1
        ? .rows(stored) : .columns(ColumnLengths(stored: stored, places: places))
    }
  }
}

extension Adapter {
  /// Canonical names of the parameters that it changes.
  var changedParameters: [String] {
    modules.map { $0.path + ".weight" } + changes.map(\.parameterName)
  }
}

extension AdapterModule {
  /// The factor A for a module that reads more features, behind zeros for these.
  ///
  /// **Source:** huggingface/diffusers, `loaders/lora_pipeline.py`, `_maybe_expand_lora_state_dict`.
  fileprivate func down(reading columns: Int) -> [Float] {
    let floats = down.floats()
    guard columns > inFeatures else { return floats }
    var wide = [Float](repeating: 0, count: rank * columns)
    for row in 0..<rank {
      for column in 0..<inFeatures {
        wide[row * columns + column] = floats[row * inFeatures + column]
      }
    }
    return wide
  }
}

extension LowRankDelta.Factors {
  /// The part of B that makes some of the module's rows.
  fileprivate func rows(_ range: Range<Int>) -> Self {
    Self(
      down: down, up: Array(up[range.lowerBound * rank..<range.upperBound * rank]), rank: rank,
      scale: scale)
  }
}
