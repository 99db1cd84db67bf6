public import ArgumentParser
internal import CommandSupport
public import Elements
public import Rewriting
public import SystemPackage

/// How the checkpoint that a command writes is stored.
public struct StorageOptions: ParsableArguments {
  /// Whether weights get codes with a scale.
  @Flag(help: "Give the blocks' weights eight-bit codes with a scale each, as ComfyUI reads them.")
  public var scaled = false

  /// Which matrices get codes with factors beside them.
  @Option(
    help: """
      Codes of the blocks' weights, without calibration, as ComfyUI reads them: int8 (a scale a row), nvfp4, \
      mxfp8, fp8 (as --scaled) or bf16; and for parts, ,NAME=FORM …: 'nvfp4,img_mod=mxfp8,single_blocks.0=bf16'; \
      ,error=5% gives more bits to the layers that need them.
      """)
  public var encoding: String?

  /// A preset of GGUF.
  @Option(
    help: """
      Write GGUF: auto keeps the precision; f32, f16, bf16, q8_0, q6_k, q5_k_m, q5_k_s, q5_0, \
      q4_k_m, q4_k_s, iq4_nl, q4_0 …
      """)
  public var gguf: String?

  /// How numbers between two are rounded.
  @Option(
    help: "nearest, stochastic:SEED, or feedback (errors carried on) (default: nearest).",
    transform: Rounding.init(parsing:))
  public var rounding: Rounding?

  @Option(
    help: "Write shards of at most this size, such as 5GB, and their index.",
    transform: ByteSize.init(parsing:))
  var shardSize: ByteSize?

  /// Whether the output is compressed.
  @Flag(help: "Compress without loss.")
  public var compress = false

  /// The base of an input that is a difference.
  @Option(
    help: """
      Where the base of a difference is, when it isn't where it was; for glance-convert also the model that a \
      PiSSA or OLoRA adapter was trained on, which makes a plain LoRA of it.
      """, completion: .file())
  public var base: FilePath?

  /// Options that nobody gave.
  public init() {}

  /// Refuses an element type that has no codes.
  public func check(_ dtype: DType?) throws {
    guard scaled, let dtype, dtype != .f8E4M3, dtype != .f8E5M2 else { return }
    throw ValidationError("--scaled: scaled weights are f8_e4m3 or f8_e5m2, not \(dtype.rawValue)")
  }

  /// The form that these options describe.
  public func form(dtype: DType?, overwrite: Bool) -> OutputForm {
    var form = OutputForm()
    form.dtype = dtype
    form.scaled = scaled ? .generation2 : nil
    form.encoding = encoding
    form.rounding = rounding ?? .nearest
    form.gguf = gguf?.lowercased()
    form.shardByteLimit = shardSize?.count
    form.isCompressed = compress
    form.overwrite = overwrite
    return form
  }

  /// The options that mean nothing for what is no checkpoint, and whether they were given.
  public var given: [(name: String, isGiven: Bool)] {
    [
      ("--scaled", scaled), ("--encoding", encoding != nil), ("--gguf", gguf != nil),
      ("--rounding", rounding != nil), ("--shard-size", shardSize != nil),
    ]
  }
}
