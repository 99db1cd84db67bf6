internal import Adapters
internal import Checkpoints
internal import Rewriting
internal import Tensors

/// What all adapters of a merge do, parameter by parameter.
struct WantedChanges {
  /// Low-rank changes, by the canonical name of the parameter; they are summed as one.
  private var factors: [String: [LowRankDelta.Factors]] = [:]
  /// Changes of other kinds.
  fileprivate var others: [String: [Other]] = [:]

  fileprivate struct Other {
    let change: ParameterChange
    let strength: Double
    /// Tells what fused modules have in common: the adapter's number and the module's name in it.
    let group: String
  }

  private var adapterCount = 0

  /// Canonical names of the parameters that change.
  var parameters: Set<String> { Set(factors.keys).union(others.keys) }

  /// Takes an adapter's changes; answers the modules that have no place.
  mutating func collect(
    _ merged: MergedAdapter, _ request: BakeRequest, _ architecture: Architecture
  ) throws -> [String] {
    let places = Dictionary(
      architecture.modules.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    var misfits: [(path: String, name: String)] = []
    for module in merged.adapter.modules {
      guard let place = places[module.path], place.template.kind == .linear,
        place.outFeatures == module.outFeatures, place.inFeatures == module.inFeatures
      else {
        misfits.append((module.path, module.name))
        continue
      }
      let scale = module.scale * merged.strength
      // Without a change nothing is stored anew, to the sign of a zero.
      guard scale != 0 else { continue }
      factors[module.path + ".weight", default: []].append(
        LowRankDelta.Factors(
          down: module.down.floats(), up: module.up.floats(), rank: module.rank, scale: scale))
    }
    for change in merged.adapter.changes {
      let shape = places[change.path]?.parameters.first { $0.name == change.parameter.rawValue }?
        .shape
      let found = [change.rowCount] + (change.columnCount.map { [$0] } ?? [])
      guard let shape, shape == found.map(Optional.some) else {
        misfits.append((change.path, change.name))
        continue
      }
      guard merged.strength != 0, change.scale != 0 || change.dependsOnBase else { continue }
      others[change.parameterName, default: []].append(
        Other(
          change: change, strength: merged.strength, group: "\(adapterCount)/\(change.name)"))
    }
    adapterCount += 1
    var named = Set<String>()
    misfits.removeAll { !named.insert($0.path).inserted }
    guard misfits.isEmpty || request.isPartial else {
      throw MergeError.modulesDontLand(
        adapter: merged.file, base: request.base,
        moduleCount: Set(merged.adapter.modules.map(\.path) + merged.adapter.changes.map(\.path))
          .count, modules: misfits.map { Self.fullName($0.path, $0.name) })
    }
    return misfits.map(\.path)
  }

  /// The path, and what the file calls it where that isn't the same.
  private static func fullName(_ path: String, _ name: String) -> String {
    name.utf8.reversed().starts(with: path.utf8.reversed()) ? path : "\(path) (\(name))"
  }

  // MARK: Deltas

  /// What is added to each tensor of an output; parameters in the order of their rows.
  func deltas(
    _ conversion: RewritingPlan, _ architecture: Architecture
  ) throws -> [[ParameterDelta]] {
    var deltas = [[ParameterDelta]](repeating: [], count: conversion.tensors.count)
    let places = try self.places(conversion, architecture)
    let lengths = lengths(places)
    for place in places {
      var parts: [any DeltaPart] = []
      if let own = factors[place.parameter] {
        parts.append(
          LowRankDelta(
            module: place.module, rows: place.rows, columns: place.columns,
            factors: own.map { $0.rows(place.moduleRows) }))
      }
      for other in others[place.parameter] ?? [] {
        parts.append(other.part(at: place, lengths[other.group]))
      }
      deltas[place.tensor].append(
        ParameterDelta(
          module: place.module, rows: place.rows, columns: place.columns, parts: parts))
    }
    return deltas
  }

  /// Where every changed parameter lies in the output.
  private func places(
    _ conversion: RewritingPlan, _ architecture: Architecture
  ) throws -> [ParameterPlace] {
    guard let target = conversion.target else { return [] }
    let (index, changed) = (TensorIndex(conversion.tensors.map(\.name)), parameters)
    var places: [ParameterPlace] = []
    for entry in architecture.entries(in: target.layout) where entry.holdsAny(of: changed) {
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

  /// The lengths of every module that has some, over all places of the modules that are fused with it.
  private func lengths(_ places: [ParameterPlace]) -> [String: ChangedLengths] {
    var found: [String: (magnitude: TensorView, places: [ChangedLengths.Place])] = [:]
    for place in places {
      for other in others[place.parameter] ?? [] {
        guard let magnitude = other.change.magnitude else { continue }
        found[other.group, default: (magnitude, [])].places.append(
          ChangedLengths.Place(
            tensor: place.tensor, part: other.change.part(at: place, scale: other.change.scale),
            rows: other.change.rows(at: place)))
      }
    }
    return found.mapValues {
      ChangedLengths(
        stored: $0.magnitude.floats(), isOfRows: $0.magnitude.shape[1] == 1, places: $0.places)
    }
  }
}

/// Some rows of a parameter, and where they lie in an output.
struct ParameterPlace {
  /// Canonical name of the parameter.
  let parameter: String
  /// What the rows are called in reports: the module's path, of a bias the parameter.
  let module: String
  /// Position of the tensor.
  let tensor: Int
  /// Rows of the tensor.
  let rows: Range<Int>
  /// The parameter's rows that stand there.
  let moduleRows: Range<Int>
  /// Elements of a row.
  let columns: Int
}

extension WantedChanges.Other {
  fileprivate func part(at place: ParameterPlace, _ lengths: ChangedLengths?) -> any DeltaPart {
    guard let lengths, change.dependsOnBase else {
      return change.part(at: place, scale: change.scale * strength)
    }
    return MagnitudeDelta(
      part: change.part(at: place, scale: change.scale), rows: change.rows(at: place),
      lengths: lengths, strength: strength)
  }
}

extension ParameterChange {
  /// Canonical name of the parameter.
  var parameterName: String { "\(path).\(parameter.rawValue)" }

  /// Which of its numbers' rows belong to rows of a tensor.
  fileprivate func rows(at place: ParameterPlace) -> PartRows {
    let sources = rows.flatMap { Array($0) }
    return PartRows(
      first: place.rows.lowerBound, sources: Array(sources[place.moduleRows]),
      columns: place.columns)
  }

  /// What its numbers are at some rows of a tensor, times a scale.
  fileprivate func part(at place: ParameterPlace, scale: Double) -> any DeltaPart {
    let rows = rows(at: place)
    func lowRank(_ pair: ChangedValues.LowRankPair, _ scale: Double) -> LowRankDelta {
      let (rank, up) = (pair.down.shape[0], pair.up.floats())
      let own = rows.sources.flatMap { up[$0 * rank..<($0 + 1) * rank] }
      return LowRankDelta(
        module: place.module, rows: place.rows, columns: place.columns,
        factors: [.init(down: pair.down.floats(), up: own, rank: rank, scale: scale)])
    }
    return switch values {
    case .lowRank(let pair): lowRank(pair, scale)
    case .hadamard(let first, let second):
      HadamardDelta(first: lowRank(first, scale), second: lowRank(second, 1))
    case .kronecker(let left, let right):
      KroneckerDelta(left: left, right: right, scale: scale, rows)
    case .difference(let values): StoredDelta(values: values, scale: scale, rows: rows)
    }
  }
}

extension Adapter {
  /// Canonical names of the parameters that it changes.
  var changedParameters: [String] {
    modules.map { $0.path + ".weight" } + changes.map(\.parameterName)
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
