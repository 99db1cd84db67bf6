internal import Adapters
internal import ArgumentParser
package import CommandSupport
internal import Concurrency
internal import Conversion
internal import JSON
internal import OptionGroups
internal import Rewriting
internal import SystemPackage
internal import Tensors

/// What `glance-convert` runs.
package var convertCommand: any Tool.Type { Convert.self }

struct Convert: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-convert",
    abstract: "Bring a checkpoint or an adapter into another layout, dtype or container.",
    discussion: """
      INPUT is a .safetensors file, a .safetensors.index.json, a folder of shards, a diffusers \
      component or pipeline folder, ComfyUI's models, a .gguf, or any of these compressed by this program. OUTPUT is \
      one file when its name ends in .safetensors, .sft or .gguf, else a folder. What is lost or left out \
      is said; nothing is dropped silently. An adapter keeps the parts that belong to text encoders.
      """,
    examples: [
      (
        "A diffusers folder for ComfyUI",
        "glance-convert FLUX.1-dev/transformer --layout bfl --output flux1-dev.safetensors"
      ),
      (
        "A ComfyUI file for diffusers",
        "glance-convert flux1-dev.safetensors --layout diffusers --output transformer"
      ),
      (
        "A whole pipeline into ComfyUI's folders",
        "glance-convert FLUX.1-dev --layout comfyui --output models"
      ),
      (
        "And back, with tokenizers and scheduler of another copy",
        "glance-convert models --layout diffusers --configs FLUX.1-dev --output my-flux"
      ),
      (
        "A VAE or a text encoder for ComfyUI",
        "glance-convert FLUX.1-dev/vae --layout comfyui --output ae.safetensors"
      ),
      (
        "Half the size, as ComfyUI's scaled fp8",
        "glance-convert flux1-dev.safetensors --dtype f8_e4m3 --scaled --output flux1-dev-fp8.safetensors"
      ),
      (
        "A quarter of the size, as ComfyUI's nvfp4",
        "glance-convert flux1-dev.safetensors --encoding nvfp4 --output flux1-dev-nvfp4.safetensors"
      ),
      ("GGUF", "glance-convert FLUX.1-dev/transformer --gguf q8_0 --output flux1-dev-q8_0.gguf"),
      (
        "An adapter for ComfyUI",
        "glance-convert lora.safetensors --dialect comfyui --output lora-comfyui.safetensors"
      ),
      (
        "A LoKr as the closest LoRA of rank 64",
        "glance-convert lokr.safetensors --rank 64 --output lora.safetensors"
      ),
      (
        "A plain LoRA of a PiSSA adapter",
        "glance-convert pissa.safetensors --base FLUX.1-dev/transformer --output lora.safetensors"
      ),
      (
        "A third smaller without loss, and back",
        "glance-convert flux1-dev.safetensors --compress --output flux1-dev.glance.safetensors"
      ),
    ])

  @Argument(help: "What to convert.", completion: .file())
  var input: FilePath

  @Option(
    name: [.customShort("o"), .long],
    help: "What to write: FILE.safetensors, FILE.gguf, or a folder.", completion: .file())
  var output: FilePath

  @OptionGroup(title: "Checkpoints") var checkpoint: CheckpointOptions

  @OptionGroup(title: "Adapters") var adapter: AdapterOptions

  @Option(help: "Element type of floating tensors; integers stay.")
  var dtype = ElementType.keep

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup var readingBack: ReadingBackOption

  @OptionGroup(title: "Common options") var common: CommonOptions

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    readingBack.prepare()
    try convert()
    readingBack.tell()
  }

  private func convert() throws {
    if isWholePipeline { return try convertPipeline() }
    switch try InputKind(of: input, base: checkpoint.storage.base) {
    case .checkpoint:
      try adapter.refuse { "\($0) is for adapters, and the input is a checkpoint." }
      try convertCheckpoint()
    case .adapter(let isCompressed):
      try checkpoint.refuseForAdapters()
      if checkpoint.compresses || (isCompressed && adapter.given.isEmpty && dtype == .keep) {
        try convertContainer()
      } else {
        try convertAdapter()
      }
    }
  }

  /// Compresses an adapter or a bundle, or gives the bytes of a compressed one back.
  private func convertContainer() throws {
    try adapter.refuse {
      "\($0) changes an adapter and --compress its container: do one after the other."
    }
    guard dtype == .keep else {
      throw ValidationError(
        "--dtype changes an adapter and --compress its container: do one after the other.")
    }
    // What can't be read as an adapter may still be packed.
    let entries = (try? AdapterInput(opening: input))?.entries ?? []
    if entries.contains(where: { $0.scaleSource == .configuration }) {
      Terminal.warn(
        "\(input): its scale is in adapter_config.json, which the output doesn't hold: put that beside "
          + "it and call it adapter_model.safetensors, or convert with --dialect first")
    }
    try convertCheckpoint()
  }

  private func convertCheckpoint() throws {
    let plan = try RewritingPlan(
      withinErrorLimit(
        checkpoint.request(
          input: input, output: output, dtype: dtype.dtype, overwrite: outputs.force)))
    let report = ConversionReport(plan, isVerbose: common.verbose)
    for warning in report.warnings { Terminal.warn(warning) }
    if outputs.dryRun {
      return try Terminal.output(json ? plan.json(nil).text(.pretty) + "\n" : report.plan)
    }
    let result = try showing("converting", total: plan.byteCount) { try plan.write(progress: $0) }
    for loss in report.losses(result) { Terminal.warn(loss) }
    try printResult(json: plan.json(result), text: report.text(result))
  }

  /// The request with the layers raised that need it for the error that was asked for.
  private func withinErrorLimit(_ request: RewritingRequest) throws -> RewritingRequest {
    try showing("measuring errors") { try request.withinErrorLimit(progress: $0) }
  }

  /// Runs a body that tells how many bytes it is done with, shows how far it is, and ends it when a signal came.
  func showing<Result>(
    _ name: String, total: Int? = nil,
    _ body: (_ progress: @escaping @Sendable (Int) throws -> Void) throws -> Result
  ) throws -> Result {
    let line = ProgressLine(name, total: total, unit: .bytes)
    defer { line.finish() }
    let done = Counter()
    return try body { bytes in
      try Interruption.check()
      line.update(done.add(bytes))
    }
  }

  private func convertAdapter() throws {
    var request = AdapterConversion.Request()
    request.dialect = adapter.dialect
    request.alpha = adapter.alpha ?? .bake
    request.assumedAlpha = adapter.assumed.assumeAlpha
    request.dtype = dtype.dtype
    request.isPartial = adapter.partial
    request.family = adapter.family
    request.rank = adapter.rank
    request.overwrite = outputs.force
    request.base = checkpoint.storage.base
    let conversion =
      try request.base == nil
      ? AdapterConversion(input, to: output, request)
      : showing("decomposing the base's weights") {
        try AdapterConversion(input, to: output, request, progress: $0)
      }
    let report = AdapterConversionReport(conversion, isVerbose: common.verbose)
    for note in conversion.notes { note.warn(of: "\(input)") }
    if outputs.dryRun {
      return try Terminal.output(
        json
          ? conversion.json(isWritten: false).text(.pretty) + "\n" : report.text(isWritten: false))
    }
    try conversion.write()
    try printResult(json: conversion.json(isWritten: true), text: report.text(isWritten: true))
  }
}
