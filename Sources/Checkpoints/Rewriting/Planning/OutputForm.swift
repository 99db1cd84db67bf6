public import Elements
public import SystemPackage

/// How an output is stored, whatever its names and values are.
public struct OutputForm: Sendable {
  /// Element type of floating tensors; nil keeps each tensor's.
  public var dtype: DType?
  /// Whether the weights of blocks get eight-bit codes with a scale each.
  public var scaled: ScaledForm?
  /// Which matrices get codes with factors beside them, without calibration: a form of
  /// ``WrittenForm``, and others for parts; see ``EncodingRules``.
  public var encoding: String?
  /// Layers that get finer forms than ``encoding`` says, so that its limit of the error is kept; nil where
  /// that was not measured.
  public internal(set) var raised: [RaisedLayer]?
  /// The error of all matrices that ``encoding`` gives codes to once those layers are raised, relative to their
  /// numbers.
  public internal(set) var raisedError = 0.0
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
  /// Whether an existing output may be replaced.
  public var overwrite = false

  /// A form that keeps every tensor's type and replaces nothing.
  public init() {}

  /// Whether elements are stored in another way than before.
  var changesElements: Bool {
    dtype != nil || scaled != nil || encoding != nil || gguf != nil
  }
}

/// A layer that needs more bits than the others.
public struct RaisedLayer: Sendable, Equatable {
  /// Its name in the output, without `.weight`.
  public let layer: String
  /// The form that it gets, as `--encoding` calls it.
  public let form: String
}

/// The forms of ComfyUI's scaled eight-bit weights.
public enum ScaledForm: Int, Sendable, CaseIterable {
  /// `.scale_weight` and a marker `scaled_fp8`.
  case generation1 = 1
  /// `.weight_scale` and `.comfy_quant`.
  case generation2 = 2
}
