internal import Checkpoints
public import Elements
internal import Files
public import Rewriting
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A merge that was done.
public struct BakeResult: Sendable {
  /// What was written: a file or a folder.
  public let output: FilePath
  /// What was merged.
  public let adapters: [MergedAdapter]
  /// What survived rounding, module by module.
  public let modules: [ModuleSurvival]
  /// All modules together.
  public var total: Survival { modules.reduce(Survival()) { $0 + $1.survival } }
  /// Modules that were left out.
  public let leftOut: [String]
  /// What became of layers that the base stores as codes, where their types stay.
  public let codedLayers: CodedLayers
  /// What rounding lost of numbers outside the output's range, for tensors where it lost anything.
  public let losses: [(tensor: String, loss: CastLoss)]
  /// What undoes the merge, where that was asked for.
  public let undo: FilePath?
}

/// Adapters merged into a base: W' = W + strength · scale · B · A, rounded once.
public struct Bake: Sendable {
  /// The request.
  public let request: BakeRequest
  /// What will be written.
  public let plan: BakePlan
  let input: OpenedCheckpoint
  /// What survived in text encoders that are written already, which is judged with the transformer's.
  private var survivalsOfEncoders: [ModuleSurvival] = []
  /// Parameters that merges for other phases change.
  let alsoChanged: Set<String>
  /// The text encoders that change.
  let encoders: [EncoderBake]
  /// Components that this merge or those for other phases change, the transformer apart.
  let changedComponents: Set<String>

  /// Modules that are merged, those of text encoders after the transformer's.
  public var modules: [String] { plan.modules + encoders.flatMap(\.modules) }
  /// Modules of the adapters that have no place.
  public var leftOut: [String] { plan.leftOut + encoders.flatMap(\.leftOut) }
  /// What becomes of layers that the base stores as codes, where their types stay.
  public var codedLayers: CodedLayers {
    encoders.reduce(plan.conversion.codedLayers) { $0 + $1.codedLayers }
  }
  /// Bytes of all tensors that are written, before compression.
  public var byteCount: Int { encoders.reduce(plan.byteCount) { $0 + $1.byteCount } }

  /// Plans a merge; reads headers and the adapters, no weights of the base.
  public init(_ request: BakeRequest) throws {
    try self.init(request, input: request.input(for: request.adapters))
  }

  init(
    _ request: BakeRequest, input: OpenedCheckpoint, alsoChanged: Set<String> = [],
    components: Set<String> = []
  ) throws {
    self.request = request
    self.input = input
    self.alsoChanged = alsoChanged
    plan = try BakePlan(request, input: input, alsoChanged: alsoChanged)
    if case .pipeline(let pipeline) = input.form, case .folder = plan.conversion.destination {
      encoders = try EncoderBake.all(request, of: pipeline)
    } else {
      encoders = []
    }
    changedComponents = components.union(encoders.map(\.component))
    if request.isReversible {
      guard encoders.isEmpty else {
        throw MergeError.usage(
          "--reversible takes back what changes the transformer, and an adapter changes "
            + "\(encoders.map(\.component).joined(separator: " and ")); keep the base")
      }
      try UndoFile(beside: request.output).check(request, input)
    }
    try checkPlace()
  }

  /// Refuses outputs inside the pipeline that is copied.
  private func checkPlace() throws {
    guard case .pipeline(let pipeline) = input.form,
      FolderCopy.isInside(request.output, of: pipeline.path)
    else { return }
    throw MergeError.usage(
      "\(request.output): lies inside the base's folder; write to another place")
  }

  /// Writes the merged checkpoint, and what undoes it where that was asked for.
  ///
  /// An output whose name says that it is a file is the transformer alone; else a pipeline gives a
  /// pipeline's folder, everything else a component's.
  ///
  /// - Parameter progress: called with the number of bytes written, from any thread; may throw to
  ///   stop.
  /// - Returns: what survived.
  /// - Throws: ``MergeError``, or what the closure throws; the output is then as it was.
  public func write(
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> BakeResult {
    try write(sharing: nil, progress: progress)
  }

  /// - Parameters:
  ///   - shared: where tensors are that another merge of the same base stores alike, and components
  ///     that are linked; nil when there is none.
  ///   - progress: as for ``write(progress:)``.
  /// - Returns: what survived.
  /// - Throws: likewise.
  func write(
    sharing shared: SharedTensors?, progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> BakeResult {
    let maker = BakeMaker(plan.conversion.tensors, deltas: plan.deltas)
    let isNew = FileIdentity(of: request.output) == nil
    // A compressed checkpoint is one file.
    let shared = plan.conversion.isCompressed ? nil : shared
    let losses: [CastLoss]
    var ofEncoders = EncoderBake.Result()
    if case .pipeline(let pipeline) = input.form, case .folder = plan.conversion.destination {
      losses = try writePipeline(pipeline, maker, shared, &ofEncoders, progress)
    } else if let shared, case .folder = plan.conversion.destination {
      let folder = try AtomicFolder(creating: request.output, overwrite: request.form.overwrite)
      losses = try shared.write(self, maker, into: folder.workingPath, progress)
      try folder.commit()
    } else {
      let result = try plan.conversion.write(
        maker, completion: completion(maker), progress: progress)
      return try finished(maker, losses: result.losses, ofEncoders, isNew: isNew)
    }
    return try finished(
      maker, losses: plan.conversion.result(losses).losses, ofEncoders, isNew: isNew)
  }

  private func writePipeline(
    _ pipeline: PipelineFolder, _ maker: BakeMaker, _ shared: SharedTensors?,
    _ ofEncoders: inout EncoderBake.Result, _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    // The base's other folders are copied too, and are in what an earlier merge wrote.
    let folder = try AtomicFolder(
      creating: request.output, kind: .pipeline(components: folderNames(pipeline.path) ?? []),
      overwrite: request.form.overwrite)
    let linked = shared?.components ?? (request.linksComponents ? pipeline.path : nil)
    try FolderCopy.copy(
      linked ?? pipeline.path, to: folder.workingPath,
      except: changedComponents.union(["transformer"]), links: linked != nil)
    for component in changedComponents.sorted() {
      let own = folder.workingPath.appending(component)
      try makeFolder(own)
      if let encoder = encoders.first(where: { $0.component == component }) {
        try ofEncoders.add(encoder.write(into: own, progress: progress))
      } else {
        // Another phase's adapters change it.
        try FolderCopy.copy(
          pipeline.path.appending(component), to: own, links: request.linksComponents)
      }
    }
    let transformer = folder.workingPath.appending("transformer")
    try makeFolder(transformer)
    var last = self
    last.survivalsOfEncoders = ofEncoders.survivals
    let losses =
      try shared?.write(last, maker, into: transformer, progress)
      ?? plan.conversion.write(
        maker, into: transformer, completion: last.completion(maker), progress: progress)
    try folder.commit()
    return losses
  }

  /// Judges what survived, and says so in the header.
  ///
  /// - Parameters:
  ///   - maker: what made the tensors.
  ///   - baseDigest: of the base, where it is known from another merge.
  /// - Returns: what happens when all tensors are written.
  func completion(_ maker: BakeMaker, baseDigest: String? = nil) -> Completion {
    Completion(headerReserve: Provenance.reserve) {
      let modules = survivalsOfEncoders + maker.survivals
      // Also false for what is no number.
      if let odd = modules.first(where: { !($0.survival.norm <= Self.largestNorm) }) {
        throw MergeError.overflow(
          base: request.base, module: odd.module,
          adapters: request.adaptersOverflowing(odd.module))
      }
      let total = modules.reduce(Survival()) { $0 + $1.survival }
      if let wanted = request.minimumSurvival, let cosine = total.cosine, cosine < wanted {
        throw MergeError.tooLittleSurvives(
          survival: cosine, wanted: wanted,
          dtype: request.form.gguf ?? request.form.encoding ?? request.form.dtype?.rawValue
            ?? "the base's dtype")
      }
      return try Provenance(request, input).metadata(
        from: plan.conversion.metadata, survival: total,
        baseDigest: baseDigest ?? maker.baseDigest)
    }
  }

  /// With a larger one, weights become infinite.
  private static let largestNorm = Double(Float.greatestFiniteMagnitude)

  private func finished(
    _ maker: BakeMaker, losses: [(tensor: String, loss: CastLoss)],
    _ ofEncoders: EncoderBake.Result, isNew: Bool
  ) throws -> BakeResult {
    var undo: FilePath?
    if request.isReversible {
      do { undo = try UndoFile(beside: request.output).write(for: self) } catch {
        // A merge that can't be taken back is not what was asked for.
        if isNew { unsafe unlink(request.output.string) }
        throw error
      }
    }
    return BakeResult(
      output: request.output, adapters: request.adapters,
      modules: maker.survivals + ofEncoders.survivals, leftOut: leftOut,
      codedLayers: codedLayers, losses: losses + ofEncoders.losses,
      undo: undo)
  }
}
