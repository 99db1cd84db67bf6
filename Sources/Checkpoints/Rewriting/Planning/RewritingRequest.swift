public import SystemPackage

/// What a conversion reads, and what it is to write.
public struct RewritingRequest: Sendable {
  /// What is read: any path that names a checkpoint.
  public var input: FilePath
  /// What is written: one file where the name ends in `.safetensors`, `.sft` or `.gguf`, else a folder.
  public var output: FilePath
  /// Names and fusing: a layout of the family's file in `formats/`; nil keeps the input's names.
  public var layout: String?
  /// What stands before every name; nil for the layout's own.
  public var prefix: String?
  /// Width of an attention head, where the tensors don't tell it.
  public var headDimension: Int?
  /// How it is stored.
  public var form = OutputForm()
  /// Where the base of an input that is a difference is, instead of where the file says.
  public var inputBase: FilePath?
  /// Where the config.json of the output is taken from, as far as the tensors don't tell it: its folder, or
  /// that of a pipeline.
  public var configurations: FilePath?
  /// Which component of an all-in-one file or a pipeline's folder.
  public var component: String?
  /// What becomes of tensors that the layout has no place for.
  public var unknown = UnknownTensors.drop
  /// Whether a switch of the variant that the output has no place for is left out instead of refusing
  /// the conversion.
  public var dropsSwitches = false
  /// Whether a component may lack parts that every file of its form holds: where it is computed with and not
  /// written.
  package var mayLackParts = false

  /// Whether rules of the encoding may match nothing here: those of a whole pipeline are for one part of it.
  public var toleratesIdleRules = false

  /// What becomes of tensors that a layout has no place for.
  public enum UnknownTensors: String, Sendable, CaseIterable {
    /// They are left out, and named.
    case drop
    /// They are carried along under their names.
    case keep
    /// They refuse the conversion.
    case error
  }

  /// A conversion that changes nothing.
  public init(input: FilePath, output: FilePath) {
    self.input = input
    self.output = output
  }
}
