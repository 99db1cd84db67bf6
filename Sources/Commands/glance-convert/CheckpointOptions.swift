public import ArgumentParser
internal import Elements
internal import OptionGroups
public import Rewriting
internal import SystemPackage

/// The options that are for checkpoints.
struct CheckpointOptions: ParsableArguments {
  @Option(help: "Names and fusing of the tensors: keep, diffusers, bfl, comfyui or transformers.")
  var layout: String?

  @Option(help: "What stands before every name; 'none' for nothing (default: the layout's own).")
  var prefix: String?

  @Option(help: "Width of an attention head, where the tensors don't tell it.")
  var headDim: Int?

  @OptionGroup var storage: StorageOptions

  @Option(help: "Which form of scaled weights to write: 2 (newest) or 1.")
  var scaledForm: Int?

  @Option(help: "Store the difference to this checkpoint, without loss.", completion: .file())
  var deltaFrom: FilePath?

  @Option(
    help: """
      Where config.json and, for a whole pipeline, tokenizers and scheduler are taken from: a folder of diffusers.
      """, completion: .directory)
  var configs: FilePath?

  @Flag(
    help: """
      Write every component of a pipeline into one file, as ComfyUI's checkpoints are.
      """)
  var allInOne = false

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
      guard storage.scaled else { throw ValidationError("--scaled-form goes with --scaled.") }
      guard ScaledForm(rawValue: scaledForm) != nil else {
        throw ValidationError("--scaled-form: expected 1 or 2, found \(scaledForm)")
      }
    }
  }

  /// The conversion of a checkpoint that these options describe.
  func request(
    input: FilePath, output: FilePath, dtype: DType?, overwrite: Bool
  ) throws -> RewritingRequest {
    try storage.check(dtype)
    var request = RewritingRequest(input: input, output: output)
    request.layout = layout == "keep" ? nil : layout
    request.prefix = prefix == "none" ? "" : prefix
    request.headDimension = headDim
    request.form = storage.form(dtype: dtype, overwrite: overwrite)
    if let chosen = scaledForm.flatMap(ScaledForm.init) { request.form.scaled = chosen }
    request.form.differenceBase = deltaFrom
    request.inputBase = storage.base
    request.configurations = configs
    request.component = component
    request.unknown = unknown ?? .drop
    request.dropsSwitches = dropSwitches
    return request
  }

  /// Whether the output is to be compressed.
  var compresses: Bool { storage.compress || deltaFrom != nil }

  /// Refuses options that mean nothing for an adapter.
  func refuseForAdapters() throws {
    let given: [(name: String, isGiven: Bool)] =
      [
        ("--layout", layout != nil && layout != "keep"), ("--prefix", prefix != nil),
        ("--head-dim", headDim != nil),
      ] + storage.given + [
        ("--configs", configs != nil), ("--all-in-one", allInOne),
        ("--component", component != nil), ("--unknown", unknown != nil),
        ("--drop-switches", dropSwitches),
      ]
    if let option = given.first(where: \.isGiven) {
      throw ValidationError("\(option.name) is for checkpoints, and the input is an adapter.")
    }
  }
}

extension RewritingRequest.UnknownTensors: ExpressibleByArgument {}
