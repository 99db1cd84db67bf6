public import Adapters
public import SystemPackage
public import Tensors

/// Adapters to merge into a base, and how.
public struct BakeRequest: Sendable {
  /// A checkpoint file, a folder of shards, a component's folder or a pipeline's.
  public var base: FilePath
  /// The adapters with their strengths.
  public var adapters: [MergedAdapter]
  /// Element type of the merged weights; nil: the base's.
  public var dtype: DType?
  /// Whether modules that have no place in the base are left out instead of refusing the merge.
  public var isPartial = false
  /// Least cosine between what was wanted and what survives rounding, over all modules.
  public var minimumSurvival: Double?
  /// Whether an existing output may be replaced.
  public var overwrite = false
  /// Whether components that are not merged are hard links to the base's files instead of copies.
  public var linksComponents = false

  /// A request with the base's dtype, strict.
  public init(base: FilePath, adapters: [MergedAdapter]) {
    self.base = base
    self.adapters = adapters
  }
}

/// An adapter as it is merged.
public struct MergedAdapter: Sendable {
  /// Its file.
  public let file: FilePath
  /// What is in it.
  public let adapter: Adapter
  /// The phase that it serves, if any.
  public let phase: String?
  /// Multiplies its scale.
  public let strength: Double

  /// An adapter at a strength.
  public init(file: FilePath, adapter: Adapter, phase: String?, strength: Double) {
    self.file = file
    self.adapter = adapter
    self.phase = phase
    self.strength = strength
  }

  /// The adapters of a file, one or those of a bundle.
  ///
  /// - Parameters:
  ///   - file: an adapter or a bundle.
  ///   - phase: the phase that it serves, instead of the one that it declares.
  ///   - strength: multiplies the scale.
  ///   - isPartial: whether unknown modules are passed over.
  /// - Returns: each with its phase.
  /// - Throws: when the file is no usable adapter.
  public static func adapters(
    in file: FilePath, phase: String?, strength: Double, isPartial: Bool
  ) throws(MergeError) -> [MergedAdapter] {
    var options = AdapterReadingOptions()
    options.isPartial = isPartial
    do {
      return try Expert.experts(in: file, options).map {
        MergedAdapter(
          file: file, adapter: $0.adapter, phase: phase ?? $0.phase, strength: strength)
      }
    } catch { throw .adapter(error) }
  }
}
