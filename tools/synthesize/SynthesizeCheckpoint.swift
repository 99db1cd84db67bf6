import Adapters
import ArgumentParser
import Checkpoints
import CommandSupport
import Elements
import OptionGroups
import Reports
import SystemPackage
import Tensors

/// Writes checkpoints and adapters of full size without the weights, for tests and timings.
@main
struct SynthesizeCheckpoint: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "synthesize-checkpoint",
    abstract: "Write a checkpoint or adapter with true names and shapes and made-up values.",
    discussion: """
      An output that ends in .safetensors is one file, any other a folder with config.json. Zeros \
      take no space on the disk.
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

  enum Fill: String, ExpressibleByArgument, CaseIterable { case zeros, gaussian }

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
    help: "Bytes of tensors in a shard of a folder, such as 5GB.",
    transform: ByteSize.init(parsing:))
  var shardSize = ByteSize(10_000_000_000)

  @Option(help: "Counts of blocks, of each kind (default: all that are published), such as 3,6.")
  var blocks: String?

  @Option(help: "zeros, which take no space, or gaussian: N(0, 0.02).")
  var fill = Fill.gaussian

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
  }

  func execute() throws {
    let architecture = try architecture()
    if let rank = adapter { return try writeAdapter(architecture, rank: rank) }
    let names = architecture.family.layouts.map(\.name)
    guard let layout = architecture.family.layouts.first(where: { $0.name == layout }) else {
      throw ValidationError("--layout: expected \(names.joined(separator: ", ")), found \(layout)")
    }
    let synthesis = CheckpointSynthesis(
      architecture: architecture, layout: layout, dtype: dtype.dtype,
      seed: fill == .gaussian ? seed : nil, shardByteLimit: shardSize.count,
      overwrite: outputs.force)
    let tensors = synthesis.tensors(to: output)
    let byteCount = tensors.reduce(0) { $0 + ($1.dtype.byteCount(shape: $1.shape) ?? 0) }
    Terminal.note(
      "\(Readable.count(tensors.count)) tensors, "
        + "\(Readable.count(architecture.parameterCount ?? 0)) parameters, "
        + Readable.bytes(byteCount))
    if !outputs.dryRun { try synthesis.write(to: output) }
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
      architecture: architecture, modules: modules, rank: rank, delta: delta, seed: seed)
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
    let counts = blocks.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let kinds = family.blocks.map(\.name)
    guard counts.count == kinds.count, counts.allSatisfy({ (0...1000).contains($0 ?? -1) }) else {
      throw ValidationError(
        "--blocks: expected a count of \(kinds.joined(separator: ", then of ")), found \(blocks)")
    }
    return Dictionary(
      zip(kinds, counts.compactMap(\.self)), uniquingKeysWith: { first, _ in first })
  }
}
