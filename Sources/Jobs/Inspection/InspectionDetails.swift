public import Adapters
internal import Checkpoints
public import Tensors

/// What was asked about beyond what a path holds.
public struct InspectionDetails: Sendable {
  /// Which tensors to list; nil for none.
  public var tensorGlob: String?
  /// The tensors whose data was read, with what was found; nil for one of a type that isn't read.
  public var statistics: [(tensor: TensorView, statistics: TensorStatistics?)]?
  /// What a loader would do with the adapter.
  public var loading: LoaderSimulation?
  /// Whether it fits a base.
  public var fit: Fit?
  /// How it differs from another.
  public var difference: Difference?

  /// How a path fits a base.
  public enum Fit: Sendable {
    /// An adapter or a bundle.
    case adapter(AdapterFit)
    /// A checkpoint.
    case checkpoint(CheckpointFit)

    /// Whether it does.
    public var fits: Bool {
      switch self {
      case .adapter(let fit): fit.fits
      case .checkpoint(let fit): fit.fits
      }
    }
  }

  /// How a path differs from another.
  public enum Difference: Sendable {
    /// Two adapters or bundles.
    case adapters(AdapterDifference)
    /// Two checkpoints.
    case checkpoints(CheckpointComparison)

    /// Whether it doesn't.
    public var isIdentical: Bool {
      switch self {
      case .adapters(let difference): difference.isIdentical
      case .checkpoints(let comparison): comparison.isIdentical
      }
    }
  }

  /// Nothing besides.
  public init() {}

  /// Whether something that was asked is answered with no: it doesn't fit a base, or a loader fails
  /// or applies less than all modules.
  public var isAnsweredNo: Bool {
    if let fit, !fit.fits { return true }
    guard let loading else { return false }
    return loading.refusal != nil || loading.moduleCount == 0
      || loading.loadedCount < loading.moduleCount
  }
}

extension Inspection {
  /// Reads the tensors that match a glob and finds out what their numbers are like.
  ///
  /// - Parameters:
  ///   - glob: which tensors.
  ///   - progress: is told the bytes as they are done.
  /// - Returns: every tensor that matches, in order.
  /// - Throws: when bytes can't be made, and for tensors that are codes of a form that isn't read.
  public func statistics(
    matching glob: String, progress: ReadingProgress? = nil
  ) throws -> [(tensor: TensorView, statistics: TensorStatistics?)] {
    let tensors = tensors(matching: glob)
    try requireNumbers(of: tensors)
    return try tensors.map { tensor in
      (tensor, try TensorStatistics(of: tensor, progress: progress))
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
  public func fit(_ base: Inspection) throws -> InspectionDetails.Fit {
    guard let checkpoint = ComparedCheckpoint(base) else {
      throw InspectionError.notComparable(
        file: base.path, detail: base.firstExpert ?? "not a checkpoint, which a base must be")
    }
    try checkpoint.requireWhole()
    switch subject {
    case .adapter, .bundle: return .adapter(AdapterFit(self, against: checkpoint))
    default: return .checkpoint(CheckpointFit(try compared(), against: checkpoint))
    }
  }

  /// How this differs from another of its kind. Reads the data of both.
  public func difference(
    from other: Inspection, progress: ReadingProgress? = nil
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
    let (left, right) = (try compared(), try other.compared())
    for side in [self, other] { try side.requireNumbers(of: side.comparedTensors) }
    return .checkpoints(try CheckpointComparison(left, with: right, progress: progress))
  }

  private var holdsAdapters: Bool {
    switch subject {
    case .adapter, .bundle: true
    default: false
    }
  }

  private var comparedTensors: [TensorView] {
    ComparedCheckpoint(self)?.source.tensors ?? []
  }

  private func compared() throws -> ComparedCheckpoint {
    guard let checkpoint = ComparedCheckpoint(self) else {
      throw InspectionError.notComparable(
        file: path, detail: firstExpert ?? "no tensors to compare")
    }
    try checkpoint.requireWhole()
    return checkpoint
  }
}
