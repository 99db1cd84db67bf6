internal import Adapters
internal import Checkpoints
internal import Files
internal import Rewriting
internal import SystemPackage
internal import Tensors

/// One base merged for several phases: a folder with an output for each, which share what is equal.
///
/// Folders share by links: tensors that no phase changes are in a file of their own, and a pipeline's
/// other components are linked. Of single files the later ones are stored as the difference to the
/// first, unless whole ones are asked for.
public struct BothPhases: Sendable {
  /// The merges, in the order given.
  public let bakes: [Bake]
  private let folder: FilePath
  private let storesDifferences: Bool
  private let overwrite: Bool

  /// Plans the merges.
  ///
  /// - Parameters:
  ///   - request: what they have in common; its output is the folder.
  ///   - phases: names of the outputs, and the adapters of each.
  ///   - isWhole: whether single files are written whole, for programs that know no differences.
  /// - Throws: ``MergeError`` when the base can't be read, or the adapters don't fit it.
  public init(
    _ request: BakeRequest, phases: [(name: String, adapters: [MergedAdapter])], isWhole: Bool
  ) throws {
    guard !OutputName.isFile(request.output), request.output.extension != "gguf" else {
      throw MergeError.usage(
        "\(request.output): the name of a file, and several phases are written into a folder")
    }
    let adapters = phases.flatMap(\.adapters)
    guard adapters.isEmpty || adapters.contains(where: { !$0.adapter.changedParameters.isEmpty })
    else {
      throw MergeError.usage(
        "phases are those of a transformer, and no adapter changes it: what is done to text encoders is "
          + "merged for all steps at once")
    }
    let input = try request.input(for: adapters)
    let isFile = request.isFile(for: input)
    let changed = Set(adapters.flatMap { $0.adapter.changedParameters })
    let ending = request.form.gguf != nil ? ".gguf" : isFile ? ".safetensors" : ""
    var bakes: [Bake] = []
    for phase in phases {
      var own = request
      own.adapters = phase.adapters
      own.output = request.output.appending(phase.name + ending)
      bakes.append(
        try Bake(
          own, input: input, alsoChanged: isFile ? [] : changed,
          components: isFile ? [] : adapters.changedEncoders))
    }
    self.bakes = bakes
    folder = request.output
    storesDifferences = isFile && !isWhole && request.form.gguf == nil
    overwrite = request.form.overwrite
  }

  /// Whether the later outputs are stored as the difference to the first.
  public var hasDifferences: Bool { storesDifferences && bakes.count > 1 }

  /// Writes every output.
  ///
  /// - Parameter progress: is called before each with its number, and answers what is told of the
  ///   bytes written.
  /// - Returns: what survived, output by output.
  /// - Throws: ``MergeError``, or what the closures throw.
  public func write(
    progress: (Int) -> @Sendable (Int) throws -> Void
  ) throws -> [BakeResult] {
    // One phase without the other is not what was asked for, nor is one of them with an older other.
    let pair = try AtomicFolder(
      creating: folder,
      kind: .folders(bakes.compactMap { $0.request.output.lastComponent?.string }),
      overwrite: overwrite)
    let shared = SharedTensors()
    var results: [BakeResult] = []
    for (number, bake) in bakes.enumerated() {
      let progress = progress(number)
      let base = storesDifferences ? results.first?.output : nil
      let inside = try bake.writing(into: pair.workingPath, asDifferenceTo: base)
      results.append(
        storesDifferences
          ? try inside.write(progress: progress)
          : try inside.write(sharing: shared, progress: progress))
    }
    try pair.commit()
    return zip(results, bakes).map { $0.at($1.request.output) }
  }
}

extension Bake {
  /// The same merge, written into another folder, and stored as the difference to another output
  /// where one is given.
  fileprivate func writing(
    into folder: FilePath, asDifferenceTo base: FilePath?
  ) throws -> Bake {
    var request = request
    request.output = folder.appending(request.output.lastComponent?.string ?? "merged")
    request.form.differenceBase = base
    return try Bake(
      request, input: input, alsoChanged: alsoChanged, components: changedComponents)
  }
}

extension BakeResult {
  /// The same result, now that its folder has its name.
  fileprivate func at(_ output: FilePath) -> BakeResult {
    BakeResult(
      output: output, adapters: adapters, modules: modules, leftOut: leftOut,
      codedLayers: codedLayers, losses: losses,
      undo: undo.map { output.removingLastComponent().appending($0.lastComponent?.string ?? "") })
  }
}

extension BakeRequest {
  /// Whether outputs for phases are single files: when the base is one.
  fileprivate func isFile(for input: OpenedCheckpoint) -> Bool {
    if form.gguf != nil { return true }
    guard case .checkpoint = input.form else { return false }
    return input.source.files.count == 1 && input.source.files.first == input.path
      && form.shardByteLimit == nil
  }
}
