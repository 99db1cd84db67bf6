public import Adapters
internal import Checkpoints
internal import Tensors

/// What may be asked about beyond what a path holds.
extension Inspected {
  /// Reads the tensors that match a glob and finds out what their numbers are like.
  ///
  /// - Parameters:
  ///   - glob: which tensors.
  ///   - progress: is told the bytes as they are done.
  /// - Returns: every tensor that matches, in order.
  /// - Throws: when bytes can't be made, and for tensors that are codes of a form that isn't read.
  public func statistics(
    matching glob: String, progress: ReadingProgress? = nil
  ) throws -> [InspectionDetails.Reading] {
    let tensors = tensors(matching: glob)
    try requireNumbers(of: tensors)
    return try weights(matching: glob).map { tensor, weight in
      InspectionDetails.Reading(
        tensor: tensor, storage: weight.storage, isScaled: weight.isScaled,
        statistics: try TensorStatistics(of: weight, progress: progress))
    }
  }

  /// The tensors that match a glob, with the numbers that each stands for.
  private func weights(matching glob: String) throws -> [(tensor: TensorView, weight: StoredWeight)]
  {
    guard let source else { return try parts.flatMap { try $0.weights(matching: glob) } }
    let tensors = tensors(matching: glob)
    guard let description else { return tensors.map { ($0, StoredWeight($0)) } }
    let stored = try StoredTensors(source, description.weights, of: tensors).tensors
    let index = TensorIndex(stored.lazy.map(\.storedName))
    return tensors.map { tensor in
      (tensor, index[tensor.name].map { stored[$0].weight } ?? StoredWeight(tensor))
    }
  }

  /// What a loader would do with the adapter that this is.
  ///
  /// - Throws: ``InspectionError/notComparable(file:detail:)`` for anything but an adapter or bundle.
  public func loading(by loader: LoaderRules) throws -> LoaderSimulation {
    switch subject {
    case .adapter(let file, _):
      if let model = file.otherModel {
        throw InspectionError.notComparable(
          file: path,
          detail: "an adapter for \(model); --as knows what loaders do with those of "
            + ModelFamily.all.map(\.title).joined(separator: " and "))
      }
      return LoaderSimulation(of: file, by: loader)
    case .bundle(let bundle, _): return LoaderSimulation(of: bundle, by: loader)
    default:
      throw InspectionError.notComparable(
        file: path, detail: "not an adapter; --as is about what loaders do with one")
    }
  }

  /// Whether this fits a base: an adapter its modules, a checkpoint its tensors.
  public func fit(_ base: Inspected) throws -> InspectionDetails.Fit {
    let checkpoint = try base.wholeCheckpoint(orElse: "not a checkpoint, which a base must be")
    switch subject {
    case .adapter, .bundle:
      var pipeline: PipelineFolder?
      if case .pipeline(let folder, _) = base.subject { pipeline = folder }
      return .adapter(AdapterFit(self, against: checkpoint, of: pipeline))
    default:
      return .checkpoint(
        try CheckpointFit(try wholeCheckpoint(orElse: Self.noTensors), against: checkpoint))
    }
  }

  /// How this differs from another of its kind. Reads the data of both.
  public func difference(
    from other: Inspected, progress: ReadingProgress? = nil
  ) throws -> InspectionDetails.Difference {
    switch (holdsAdapters, other.holdsAdapters) {
    case (true, true): return .adapters(try AdapterDifference(self, with: other))
    case (false, false): break
    default:
      throw InspectionError.notComparable(
        file: holdsAdapters ? other.path : path,
        detail: "a checkpoint, which can't be compared with an adapter; "
          + "--against tells whether the adapter fits it")
    }
    let left = try wholeCheckpoint(orElse: Self.noTensors)
    let right = try other.wholeCheckpoint(orElse: Self.noTensors)
    try requireNumbers(of: left.source.tensors)
    try other.requireNumbers(of: right.source.tensors)
    var comparison = try CheckpointComparison(left, with: right, progress: progress)
    if case .pipeline = subject, case .pipeline = other.subject {
      comparison.notes.append(
        "of pipelines the transformers alone are compared; the other components are folders of their own"
      )
    }
    return .checkpoints(comparison)
  }

  private static let noTensors = "no tensors to compare"

  private var holdsAdapters: Bool {
    switch subject {
    case .adapter, .bundle: true
    default: false
    }
  }
}
