import Adapters
import ArgumentParser
import Checkpoints
import CommandSupport
import Concurrency
import Elements
import OptionGroups
import Reports
import Synthesis
import SystemPackage
import Tensors

/// Writes checkpoints, pipelines and adapters of full size without the weights, for tests and timings.
@main
struct SynthesizeCheckpoint: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "synthesize-checkpoint",
    abstract:
      "Write a checkpoint, pipeline or adapter with true names and shapes and made-up values.",
    discussion: """
      An output that ends in .safetensors is one file, any other a folder with config.json. Zeros \
      take no space on the disk. Other values repeat 4,194,301 deviates, from a start that depends \
      on the tensor.

      A pipeline is a whole model folder: transformer, text encoders, autoencoder and scheduler with \
      the published files, names, shapes and configurations, Qwen2.5-VL's vision tower included. \
      Tokenizers have the published vocabularies, from the tests' files: they lack spiece.model \
      and what else encoding doesn't need. This checkout must be where it was when the tool was built.
      """,
    examples: [
      (
        "FLUX.1 dev, 23.8 GB that take no space",
        "synthesize-checkpoint --family flux1 --layout bfl --fill zeros --output flux1-dev.safetensors"
      ),
      (
        "3.87 GB of true width for timings",
        "synthesize-checkpoint --family flux1 --blocks 3,6 --output flux1-3-6.safetensors"
      ),
      (
        "An adapter for it",
        "synthesize-checkpoint --family flux1 --blocks 3,6 --adapter 16 --targets attention --output lora.safetensors"
      ),
      (
        "A whole FLUX.1 dev of true width, cut to 2.4 GB",
        "synthesize-checkpoint --family flux1 --pipeline --blocks 1,1 --encoder-layers 2,2 --output flux1-small"
      ),
    ])

  enum ElementType: String, ExpressibleByArgument, CaseIterable {
    case bf16, f16, f32

    var dtype: DType {
      switch self {
      case .bf16: .bf16
      case .f16: .f16
      case .f32: .f32
      }
    }
  }

  @Option(help: "flux1 or qwen-image.")
  var family: String

  @Option(
    help: "A variant of formats/, such as dev, schnell, fill or layered (default: dev or image).")
  var variant: String?

  @Option(help: "diffusers, bfl or comfyui.")
  var layout = "diffusers"

  @Option(help: "Element type.")
  var dtype = ElementType.bf16

  @Option(
    help: "Bytes of tensors in a shard of a folder (default: 10GB; of a pipeline as published).",
    transform: ByteSize.init(parsing:))
  var shardSize: ByteSize?

  @Option(help: "Counts of blocks, of each kind (default: all that are published), such as 3,6.")
  var blocks: String?

  @Flag(help: "Write a whole pipeline: dev of FLUX.1, image of Qwen-Image.")
  var pipeline = false

  @Option(
    help: """
      Counts of a pipeline's text encoder layers, of each kind (default: all): CLIP,T5 of FLUX.1, \
      language,vision of Qwen-Image.
      """)
  var encoderLayers: String?

  @Option(
    help: """
      zeros, which take no space; gaussian: N(0, 0.02); scaled: weights N(0, 1 / √inputs), norms \
      N(1, 0.02), biases N(0, 0.02), with which activations keep their size (default: gaussian; of a \
      pipeline scaled).
      """)
  var fill: TensorFilling.Values?

  @Option(help: "Seed of the values.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Write an adapter of this rank instead.", valueName: "rank"))
  var adapter: Int?

  @Option(help: "What the adapter attaches to: reference, attention or all.")
  var targets = "attention"

  @Option(help: "The adapter's dialect, such as diffusers or kohya.")
  var dialect = "diffusers"

  @Option(help: "Size of the adapter's change, as a share of the weights'.")
  var delta = 0.01

  @Option(help: "What to write: a file or a folder.", completion: .file())
  var output: FilePath

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    if let adapter, !(1...4096 ~= adapter) {
      throw ValidationError("--adapter: expected 1 to 4096, found \(adapter)")
    }
    guard delta.isFinite, delta > 0 else {
      throw ValidationError("--delta: expected a positive number, found \(delta)")
    }
    if pipeline { return try validatePipeline() }
    guard encoderLayers == nil else {
      throw ValidationError("--encoder-layers: expected with --pipeline only")
    }
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    let architecture = try architecture()
    if let rank = adapter { return try writeAdapter(architecture, rank: rank) }
    let names = architecture.family.layouts.map(\.name)
    guard let layout = architecture.family.layouts.first(where: { $0.name == layout }) else {
      throw ValidationError("--layout: expected \(names.joined(separator: ", ")), found \(layout)")
    }
    if pipeline { return try writePipeline(architecture, layout) }
    let synthesis = CheckpointSynthesis(
      of: architecture, in: layout, dtype: dtype.dtype,
      shardByteLimit: shardSize?.count ?? 10_000_000_000)
    let tensors = synthesis.tensors(to: output)
    Terminal.note(
      "\(Readable.count(tensors.count)) tensors, "
        + "\(Readable.count(architecture.parameterCount ?? 0)) parameters, "
        + Readable.bytes(tensors.byteCount))
    guard !outputs.dryRun else { return }
    try filling(fill ?? .gaussian, byteCount: tensors.byteCount) {
      try synthesis.write(to: output, filling: $0, overwrite: outputs.force)
    }
  }

  /// Writes with a line of progress.
  func filling(
    _ values: TensorFilling.Values, byteCount: Int, _ write: (TensorFilling) throws -> Void
  ) throws {
    let progress = ProgressLine("writing", total: byteCount, unit: .bytes)
    try write(
      TensorFilling(values, seed: seed) {
        try Interruption.check()
        progress.update($0)
      })
    progress.finish()
  }

  private func writeAdapter(_ architecture: Architecture, rank: Int) throws {
    guard let modules = try architecture.modules(ofTargetPreset: targets) else {
      let names = architecture.family.targetPresets.map(\.name).joined(separator: ", ")
      throw ValidationError("--targets: expected \(names), found \(targets)")
    }
    guard Adapter.writableDialects.contains(dialect) else {
      let names = Adapter.writableDialects.joined(separator: ", ")
      throw ValidationError("--dialect: expected \(names), found \(dialect)")
    }
    Terminal.note("\(Readable.count(modules.count, "module")) of rank \(rank)")
    guard !outputs.dryRun else { return }
    let synthesis = AdapterSynthesis(
      of: architecture, modules: modules, rank: rank, delta: delta, seed: seed)
    try synthesis.write(
      to: output, dialect: dialect, dtype: dtype.dtype, overwrite: outputs.force)
  }

  private func architecture() throws -> Architecture {
    guard let family = ModelFamily.named(family) else {
      let names = ModelFamily.all.map(\.name).joined(separator: ", ")
      throw ValidationError("--family: expected \(names), found \(self.family)")
    }
    let names = family.variants.map(\.name)
    guard let name = variant ?? Self.baseVariants.first(where: names.contains),
      let variant = family.variants.first(where: { $0.name == name })
    else {
      throw ValidationError(
        "--variant: expected \(names.joined(separator: ", ")), found \(self.variant ?? "none")")
    }
    return Architecture(published: variant, of: family, blockCounts: try blockCounts(family))
  }

  /// The variants that are meant when none is named.
  private static let baseVariants = ["dev", "image"]

  private func blockCounts(_ family: ModelFamily) throws -> [String: Int] {
    guard let blocks else { return [:] }
    let kinds = family.blocks.map(\.name)
    let counts = try counts(blocks, option: "--blocks", of: kinds, in: 0...1000)
    return Dictionary(zip(kinds, counts), uniquingKeysWith: { first, _ in first })
  }

  /// The numbers of an option that has one for each kind of layers.
  func counts(
    _ text: String, option: String, of kinds: [String], in range: ClosedRange<Int>
  ) throws -> [Int] {
    let counts = text.split(separator: ",", omittingEmptySubsequences: false)
      .compactMap { Int($0) }.filter(range.contains)
    guard counts.count == kinds.count, text.count(where: { $0 == "," }) == kinds.count - 1 else {
      throw ValidationError(
        "\(option): expected a count from \(range.lowerBound) to \(range.upperBound) of "
          + "\(kinds.joined(separator: ", then of ")), found \(text)")
    }
    return counts
  }
}

extension TensorFilling.Values: ExpressibleByArgument {}
