internal import Checkpoints
internal import Files
public import Rewriting
public import SystemPackage

/// Adapters to merge into a base, and how.
public struct BakeRequest: Sendable {
  /// Any path that names a checkpoint.
  public var base: FilePath
  /// What is written: one file where the name ends in `.safetensors` or `.gguf`, else a folder; a
  /// pipeline's folder where the base is one.
  public var output: FilePath
  /// The adapters with their strengths.
  public var adapters: [MergedAdapter]
  /// How it is stored.
  public var form = OutputForm()
  /// Where the base of an input that is a difference is.
  public var inputBase: FilePath?
  /// Whether modules that have no place in the base are left out instead of refusing the merge.
  public var isPartial = false
  /// Least cosine between what was wanted and what survives rounding, over all modules.
  public var minimumSurvival: Double?
  /// Whether components that are not merged are hard links to the base's files instead of copies.
  public var linksComponents = false
  /// Whether what undoes the merge is written beside the output.
  public var isReversible = false

  /// A request that keeps the base's types, strict.
  public init(base: FilePath, output: FilePath, adapters: [MergedAdapter]) {
    self.base = base
    self.output = output
    self.adapters = adapters
  }

  /// Whether what adapters do to text encoders is merged too: where a whole pipeline is written.
  ///
  /// - Parameters:
  ///   - base: the base of a merge.
  ///   - output: what it writes.
  /// - Returns: whether it is.
  public static func takesTextEncoders(base: FilePath, output: FilePath) -> Bool {
    PipelineFolder.isPipeline(PipelineFolder.folder(meantBy: base)) && !OutputName.isFile(output)
      && output.extension?.lowercased() != "gguf"
  }

  /// The conversion that the merge is, apart from the adapters.
  var conversion: RewritingRequest {
    var conversion = RewritingRequest(input: base, output: output)
    conversion.form = form
    conversion.inputBase = inputBase
    conversion.unknown = .keep
    return conversion
  }
}
