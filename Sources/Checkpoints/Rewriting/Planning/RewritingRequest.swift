public import Elements
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
  /// Element type of floating tensors; nil keeps each tensor's.
  public var dtype: DType?
  /// Whether the weights of blocks get eight-bit codes with a scale each.
  public var scaled: ScaledForm?
  /// How numbers between two are rounded.
  public var rounding = Rounding.nearest
  /// A preset of formats/gguf.json, for writing GGUF.
  public var gguf: String?
  /// Bytes of tensors in a shard at most.
  public var shardByteLimit: Int?
  /// Whether the output is compressed, without loss.
  public var isCompressed = false
  /// The checkpoint that the output is stored as the difference to.
  public var differenceBase: FilePath?
  /// Where the base of an input that is a difference is, instead of where the file says.
  public var inputBase: FilePath?
  /// Which component of an all-in-one file or a pipeline's folder.
  public var component: String?
  /// What becomes of tensors that the layout has no place for.
  public var unknown = UnknownTensors.drop
  /// Whether a switch of the variant that the output has no place for is left out instead of refusing
  /// the conversion.
  public var dropsSwitches = false
  /// Whether an existing output may be replaced.
  public var overwrite = false

  /// What becomes of tensors that a layout has no place for.
  public enum UnknownTensors: String, Sendable, CaseIterable {
    /// They are left out, and named.
    case drop
    /// They are carried along under their names.
    case keep
    /// They refuse the conversion.
    case error
  }

  /// The forms of ComfyUI's scaled eight-bit weights.
  public enum ScaledForm: Int, Sendable, CaseIterable {
    /// `.scale_weight` and a marker `scaled_fp8`.
    case generation1 = 1
    /// `.weight_scale` and `.comfy_quant`.
    case generation2 = 2
  }

  /// A conversion that changes nothing.
  public init(input: FilePath, output: FilePath) {
    self.input = input
    self.output = output
  }
}
