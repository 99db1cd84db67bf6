public import ArgumentParser
internal import CommandSupport
public import Elements
public import Rewriting
internal import SystemPackage

/// The options that are for checkpoints.
struct CheckpointOptions: ParsableArguments {
  @Option(help: "Names and fusing of the tensors: keep, diffusers, bfl or comfyui.")
  var layout: String?

  @Option(help: "What stands before every name; 'none' for nothing (default: the layout's own).")
  var prefix: String?

  @Option(help: "Width of an attention head, where the tensors don't tell it.")
  var headDim: Int?

  @Flag(help: "Give the blocks' weights eight-bit codes with a scale each, as ComfyUI reads them.")
  var scaled = false

  @Option(help: "Which form of scaled weights to write: 2 (newest) or 1.")
  var scaledForm: Int?

  @Option(
    help: "nearest, stochastic:SEED, or feedback (errors carried on).",
    transform: Rounding.init(parsing:))
  var rounding: Rounding?

  @Option(
    help: """
      Write GGUF: auto keeps the precision; f32, f16, bf16, q8_0, q6_k, q5_k_m, q5_k_s, q5_0, \
      q4_k_m, q4_k_s, q4_0 …
      """)
  var gguf: String?

  @Option(
    help: "Write shards of at most this size, such as 5GB, and their index.",
    transform: ByteSize.init(parsing:))
  var shardSize: ByteSize?

  @Flag(help: "Compress without loss.")
  var compress = false

  @Option(help: "Store the difference to this checkpoint, without loss.", completion: .file())
  var deltaFrom: FilePath?

  @Option(
    help: "Where the base of a difference is, when it isn't where it was.", completion: .file())
  var base: FilePath?

  @Option(help: "Which component of an all-in-one file or pipeline: transformer, vae, …")
  var component: String?

  @Option(
    help: """
      Tensors that the layout has no place for: drop (and name them), keep or error (default: drop).
      """)
  var unknown: RewritingRequest.UnknownTensors?

  @Flag(
    help: """
      Write the output although a switch of the variant that only config.json says has no place in it.
      """)
  var dropSwitches = false

  mutating func validate() throws {
    if let headDim, !(1...65536).contains(headDim) {
      throw ValidationError("--head-dim: expected 1 to 65536, found \(headDim)")
    }
    if let scaledForm {
      guard scaled else { throw ValidationError("--scaled-form goes with --scaled.") }
      guard RewritingRequest.ScaledForm(rawValue: scaledForm) != nil else {
        throw ValidationError("--scaled-form: expected 1 or 2, found \(scaledForm)")
      }
    }
  }

  /// The conversion of a checkpoint that these options describe.
  func request(
    input: FilePath, output: FilePath, dtype: DType?, overwrite: Bool
  ) throws -> RewritingRequest {
    if scaled, let dtype, dtype != .f8E4M3, dtype != .f8E5M2 {
      throw ValidationError(
        "--scaled: scaled weights are f8_e4m3 or f8_e5m2, not \(dtype.rawValue)")
    }
    var request = RewritingRequest(input: input, output: output)
    request.layout = layout == "keep" ? nil : layout
    request.prefix = prefix == "none" ? "" : prefix
    request.headDimension = headDim
    request.dtype = dtype
    request.scaled =
      scaled ? scaledForm.flatMap(RewritingRequest.ScaledForm.init) ?? .generation2 : nil
    request.rounding = rounding ?? .nearest
    request.gguf = gguf?.lowercased()
    request.shardByteLimit = shardSize?.count
    request.isCompressed = compress
    request.differenceBase = deltaFrom
    request.inputBase = base
    request.component = component
    request.unknown = unknown ?? .drop
    request.dropsSwitches = dropSwitches
    request.overwrite = overwrite
    return request
  }

  /// Whether the output is to be compressed.
  var compresses: Bool { compress || deltaFrom != nil }

  /// Refuses options that mean nothing for an adapter.
  func refuseForAdapters() throws {
    let given: [(name: String, isGiven: Bool)] = [
      ("--layout", layout != nil && layout != "keep"), ("--prefix", prefix != nil),
      ("--head-dim", headDim != nil), ("--scaled", scaled), ("--gguf", gguf != nil),
      ("--rounding", rounding != nil), ("--shard-size", shardSize != nil),
      ("--component", component != nil), ("--unknown", unknown != nil),
      ("--drop-switches", dropSwitches),
    ]
    if let option = given.first(where: \.isGiven) {
      throw ValidationError("\(option.name) is for checkpoints, and the input is an adapter.")
    }
  }
}

extension RewritingRequest.UnknownTensors: ExpressibleByArgument {}
