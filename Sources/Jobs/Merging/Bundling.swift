internal import Adapters
internal import Checkpoints
public import Elements
internal import Files
public import SystemPackage

/// Experts in one detachable file, and back.
public enum Bundling {
  /// Writes experts as one bundle; each needs a phase of its own.
  ///
  /// - Parameters:
  ///   - adapters: the experts; strengths other than 1 become part of the scale.
  ///   - path: the destination.
  ///   - dtype: element type of the factors; nil keeps each expert's.
  ///   - overwrite: whether an existing file may be replaced.
  ///   - isDryRun: whether nothing is written.
  /// - Throws: when two experts have one phase or one has none, or writing fails.
  public static func write(
    _ adapters: [MergedAdapter], to path: FilePath, dtype: DType?, overwrite: Bool,
    isDryRun: Bool
  ) throws {
    let families = adapters.compactMap { merged in merged.adapter.family.map { (merged.file, $0) } }
    if let first = families.first, let other = families.first(where: { $0.1.name != first.1.name })
    {
      throw MergeError.familiesDiffer(
        file: other.0, family: other.1.title, other: first.0, otherFamily: first.1.title)
    }
    try checkPhases(adapters)
    let experts = adapters.map { merged in
      var adapter = merged.adapter
      if merged.strength != 1 {
        for index in adapter.modules.indices { adapter.modules[index].scale *= merged.strength }
      }
      if let phase = merged.phase, phase != merged.declaredPhase {
        // So that it still knows when the bundle is split.
        adapter.metadata.removeAll { $0.key == "glance.phase" }
        adapter.metadata.append(("glance.phase", phase))
      }
      return Expert(phase: merged.phase, adapter: adapter)
    }
    let bundle = try ExpertBundle(experts: experts)
    if !isDryRun { try bundle.write(to: path, dtype: dtype, overwrite: overwrite) }
  }

  /// Refuses experts without a phase, and two of one.
  private static func checkPhases(_ adapters: [MergedAdapter]) throws {
    let nameless = adapters.filter { $0.phase == nil }
    guard nameless.isEmpty else {
      throw MergeError.phasesClash(phase: nil, files: nameless.map(\.file))
    }
    for merged in adapters {
      let same = adapters.filter { $0.phase == merged.phase }
      guard same.count == 1 else {
        throw MergeError.phasesClash(phase: merged.phase, files: same.map(\.file))
      }
    }
  }

  /// Writes the experts of a bundle as files of their own, `STEM-slow.safetensors` and so on.
  ///
  /// - Parameters:
  ///   - bundle: the bundle's file.
  ///   - folder: where to write; made when it isn't there.
  ///   - overwrite: whether existing files may be replaced.
  ///   - isDryRun: whether nothing is written.
  /// - Returns: the files.
  /// - Throws: when the file is no bundle, or writing fails.
  public static func split(
    _ bundle: FilePath, into folder: FilePath, overwrite: Bool, isDryRun: Bool
  ) throws -> [FilePath] {
    let stem = bundle.stem ?? "expert"
    let experts = try ExpertBundle(opening: bundle)
    guard !isDryRun else {
      return experts.experts.map {
        folder.appending("\(stem)-\($0.phase ?? "single").safetensors")
      }
    }
    try makeFolder(folder)
    return try experts.split(into: folder, stem: stem, overwrite: overwrite)
  }
}
