internal import Adapters
internal import Checkpoints
internal import Hashing
internal import JSON
internal import Safetensors
internal import Synchronization
public import SystemPackage
internal import Tensors

/// A merge that was done.
public struct BakeResult: Sendable {
  /// What was written: a file or a folder.
  public let output: FilePath
  /// What survived rounding, module by module.
  public let modules: [ModuleSurvival]
  /// All modules together.
  public let total: Survival
  /// Modules that were left out.
  public let leftOut: [String]
}

/// Adapters merged into a base: W' = W + strength · scale · B · A, rounded once.
public struct Bake: Sendable {
  /// The request.
  public let request: BakeRequest
  /// What will be written.
  public let plan: BakePlan
  private let base: BaseCheckpoint

  /// Plans a merge; reads headers and the adapters, no weights of the base.
  public init(_ request: BakeRequest) throws(MergeError) {
    self.request = request
    base = try BaseCheckpoint(opening: request.base)
    plan = try BakePlan(request, base: base)
  }

  /// Writes the merged checkpoint.
  ///
  /// A pipeline gives a pipeline folder, a component folder or a folder of shards a folder, a file
  /// a file; an output whose name ends in `.safetensors` is one file where the base is one too.
  ///
  /// - Parameters:
  ///   - output: the destination.
  ///   - components: a pipeline whose other components are linked instead of the base's, such as
  ///     the one baked for the other phase.
  ///   - progress: called with the number of bytes written, from any thread; may throw to stop.
  /// - Returns: what survived.
  /// - Throws: ``MergeError``, or what the closure throws.
  public func write(
    to output: FilePath, linking components: FilePath? = nil,
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> BakeResult {
    let modules: [ModuleSurvival]
    switch base.form {
    case .checkpoint where plan.files.count == 1 && output.extension == "safetensors":
      modules = try writeFiles(progress) { _ in output }
    case .checkpoint:
      modules = try OutputFolder.make(output, overwrite: request.overwrite) { folder in
        try writeTransformer(into: folder, from: request.base, progress)
      }
    case .component(let path):
      modules = try OutputFolder.make(output, overwrite: request.overwrite) { folder in
        try writeTransformer(into: folder, from: path, progress)
      }
    case .pipeline(let pipeline):
      modules = try OutputFolder.make(output, overwrite: request.overwrite) { folder in
        let linked = components ?? (request.linksComponents ? pipeline.path : nil)
        try FolderCopy.copy(
          linked ?? pipeline.path, to: folder, except: "transformer", links: linked != nil)
        let transformer = folder.appending("transformer")
        try FolderCopy.makeFolder(transformer)
        return try writeTransformer(
          into: transformer, from: pipeline.path.appending("transformer"), progress)
      }
    }
    let total = modules.reduce(Survival()) { $0 + $1.survival }
    return BakeResult(output: output, modules: modules, total: total, leftOut: plan.leftOut)
  }

  /// The checkpoint's files, its configuration and index.
  private func writeTransformer(
    into folder: FilePath, from source: FilePath,
    _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [ModuleSurvival] {
    let modules = try writeFiles(progress) { folder.appending($0) }
    let configuration = source.appending("config.json")
    if (try? FileDescriptor.open(configuration, .readOnly).close()) != nil {
      try FolderCopy.copyFile(configuration, to: folder.appending("config.json"))
    }
    if let index = base.source.index { try writeIndex(into: folder, named: index) }
    return modules
  }

  private func writeFiles(
    _ progress: @escaping @Sendable (Int) throws -> Void, _ path: (String) -> FilePath
  ) throws -> [ModuleSurvival] {
    let metadata = try provenance()
    var modules: [ModuleSurvival] = []
    for index in plan.files.indices {
      modules += try plan.writeFile(
        index, to: path(plan.files[index].name), metadata: metadata,
        overwrite: request.overwrite, progress: progress
      ) { found in
        // Judged over all modules, so with the last file.
        guard index == plan.files.count - 1, let wanted = request.minimumSurvival else { return }
        let total = (modules + found).reduce(Survival()) { $0 + $1.survival }
        guard total.cosine >= wanted else {
          throw MergeError.tooLittleSurvives(
            survival: total.cosine, wanted: wanted,
            dtype: request.dtype?.rawValue ?? "the base's dtype")
        }
      }
    }
    return modules
  }

  /// The index of a sharded base, with sizes as they are now.
  private func writeIndex(into folder: FilePath, named index: FilePath) throws {
    var map: [JSONObject.Member] = []
    for file in plan.files {
      for step in file.steps {
        map.append(.init(key: step.base.name, value: .string(file.name)))
      }
    }
    let document: JSONValue = [
      "metadata": ["total_size": .integer(Int64(plan.byteCount))],
      "weight_map": .object(JSONObject(map)),
    ]
    try writeAtomically(
      unsafe Array((document.text(.pretty) + "\n").utf8).span.bytes,
      to: folder.appending(index.lastComponent?.string ?? "model.safetensors.index.json"),
      overwrite: true)
  }

  /// The base's metadata, without digests that are no longer true, and what was merged into it.
  private func provenance() throws -> [(key: String, value: String)] {
    var metadata = base.source.metadata.filter { member in
      !["sshs_model_hash", "sshs_legacy_hash", "modelspec.hash_sha256"].contains(member.key)
        && !member.key.hasPrefix("glance.merged")
    }
    if metadata.isEmpty { metadata.append(("format", "pt")) }
    let adapters = try request.adapters.map { merged -> JSONValue in
      [
        "file": .string(merged.file.lastComponent?.string ?? ""),
        "sha256": .string(try SHA256.hexadecimal(of: merged.file)),
        "phase": merged.phase.map { .string($0) } ?? .null, "strength": .number(merged.strength),
        "modules": .integer(Int64(merged.adapter.modules.count)),
      ]
    }
    let names = request.adapters.compactMap { $0.file.lastComponent?.string }
    let own: [(key: String, value: String)] = [
      ("modelspec.merged_from", names.joined(separator: ", ")),
      ("glance.merged", JSONValue.array(adapters).text()),
      ("glance.merged_rounding", "nearest"),
    ]
    metadata.removeAll { member in own.contains { $0.key == member.key } }
    return metadata + own
  }
}
