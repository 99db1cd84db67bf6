internal import ArgumentParser
package import CommandSupport
internal import Compute
internal import Concurrency
internal import Elements
internal import Merging
internal import OptionGroups
internal import SystemPackage

/// What `glance-merge` runs.
package var mergeCommand: any Tool.Type { Merge.self }

struct Merge: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-merge",
    abstract: "Bake adapters into a checkpoint, or make adapters of adapters.",
    discussion: """
      Baking adds scale · B · A to the base's weights and rounds once; how much of every adapter \
      survives the rounding is printed. BASE is any checkpoint: a file, shards, a folder, GGUF, \
      scaled fp8, compressed. A phase is that of the adapter's metadata, or given as slow=FILE, \
      fast=FILE; FILE:0.8 is a strength, and FILE:0.8,double_blocks.0-7=0.5,attn=0 one with strengths \
      of blocks or modules that multiply it: by any of their names, the last that matches counts.
      """,
    examples: [
      (
        "Bake the slow expert, for programs that know nothing of phases",
        "glance-merge FLUX.1-dev cat-slow.safetensors cat-fast.safetensors --phase slow --output FLUX.1-dev-cat-slow"
      ),
      (
        "Both phases, from a bundle",
        "glance-merge FLUX.1-dev cat.safetensors --phase both --output FLUX.1-dev-cat"
      ),
      (
        "Bake and quantise in one pass, at half strength",
        "glance-merge flux1-dev.safetensors style.safetensors:0.5 --gguf q8_0 --output flux1-style-q8_0.gguf"
      ),
      (
        "Weaken an adapter in the first double blocks, and leave single blocks alone",
        "glance-merge flux1-dev.safetensors style.safetensors --scale 0.8,double=0.5,single=0 --output styled.safetensors"
      ),
      (
        "Bake so that it can be undone, and undo it",
        "glance-merge base.safetensors style.safetensors --reversible --output merged.safetensors && glance-merge merged.safetensors --undo merged.undo.safetensors --output base-again.safetensors"
      ),
      (
        "Both experts and their schedule in one detachable file, and back",
        "glance-merge --mode bundle cat-slow.safetensors cat-fast.safetensors --output cat.safetensors && glance-merge --mode split cat.safetensors --output experts"
      ),
      (
        "One adapter of two, at rank 32",
        "glance-merge --mode adapter a.safetensors:0.7 b.safetensors:0.3 --resize-rank 32 --output ab.safetensors"
      ),
      (
        "An adapter of what a fine-tune changed",
        "glance-merge base.safetensors --extract tuned.safetensors --rank 64 --output tuned-lora.safetensors"
      ),
      (
        "Do two adapters go together?",
        "glance-merge --mode compare cat-slow.safetensors lightning.safetensors"
      ),
    ])

  static let repetitionAdvice = ["--phase": "--phase both takes slow and fast"]

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case bake
    case bundle
    case split
    case adapter
    case compare
  }

  @Argument(
    help: ArgumentHelp(
      "The base (only for baking, --extract and --undo), then adapters or bundles.",
      valueName: "base> <[phase=]adapter[:strength]"),
    completion: .file())
  var inputs: [String]

  @Option(
    name: [.customShort("o"), .long], help: "What to write: a file or a folder.",
    completion: .file())
  var output: FilePath?

  @Option(
    help: """
      bake into the base, bundle experts, split a bundle, merge adapters into one adapter, or \
      compare two adapters.
      """)
  var mode = Mode.bake

  @Option(help: "Whose experts to take: slow, fast, both, or another phase (default: all given).")
  var phase: String?

  @Option(
    help: ArgumentHelp(
      """
      Strength of every adapter that has none of its own (default: 1); likewise strengths of blocks and \
      modules, double_blocks.0-7=0.5,single_blocks=1.
      """, valueName: "strength"),
    transform: StrengthArgument.init)
  var scale: StrengthArgument?

  @Option(help: "Element type of the output; adapters and bundles take f32, bf16 or f16.")
  var dtype = ElementType.keep

  @Flag(help: "Let modules that the base lacks pass, naming them.")
  var partial = false

  @OptionGroup var alpha: AssumedAlphaOption

  @Option(
    help: """
      The family that the adapters are for, flux1 or qwen-image, where their names, shapes and \
      metadata leave that open or contradict each other.
      """)
  var family: String?

  @OptionGroup(title: "Baking") var baking: BakingOptions

  @OptionGroup(title: "Adapters of adapters") var algebra: AlgebraOptions

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup var readingBack: ReadingBackOption

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    guard mode == .compare || output != nil else {
      throw ValidationError("Missing expected argument '--output <output>'")
    }
    try outputs.check(destination)
    if mode == .bundle || mode == .adapter || algebra.extract != nil {
      try outputs.checkAdapter(destination)
    }
    if algebra.extract != nil || baking.undo != nil {
      guard mode == .bake, inputs.count == 1, algebra.extract == nil || baking.undo == nil else {
        throw ValidationError("--extract and --undo take one checkpoint, and exclude each other.")
      }
    } else {
      try validateInputCount()
    }
    try baking.storage.check(dtype.dtype)
    let isFew = dtype == .f8E4M3 || dtype == .f8E5M2
    if isFew, mode != .bake || algebra.extract != nil {
      throw ValidationError("--dtype: adapters are stored as f32, bf16 or f16")
    }
    if baking.storage.gguf != nil, baking.storage.rounding != nil {
      throw ValidationError("--rounding: the blocks of GGUF have a rounding of their own")
    }
    let readsNoAdapter = algebra.extract != nil || baking.undo != nil || mode == .split
    if alpha.assumeAlpha != nil, readsNoAdapter {
      throw ValidationError("--assume-alpha is for adapters that say no alpha; none is read here.")
    }
    if scale != nil, readsNoAdapter {
      throw ValidationError("--scale is the strength of adapters that are merged; none is here.")
    }
    if mode == .bake, algebra.extract == nil, algebra.rule != nil {
      throw ValidationError("--resize-rank and --energy are for adapters: --mode adapter.")
    }
    if mode != .bake, let option = baking.firstGiven {
      throw ValidationError("\(option) is for baking.")
    }
  }

  private func validateInputCount() throws {
    switch mode {
    case .bake where inputs.count < 2:
      throw ValidationError("Baking takes a base and at least one adapter.")
    case .split where inputs.count != 1: throw ValidationError("Splitting takes one bundle.")
    case .compare where inputs.count != 2:
      throw ValidationError("Comparing takes two adapters.")
    default: break
    }
  }

  static func prepare() { ProductKernels.settle() }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    Terminal.detail(ProductKernels.account)
    readingBack.prepare()
    do { try perform() } catch { throw explained(error) }
    readingBack.tell()
  }

  private func perform() throws {
    switch mode {
    case .bake where baking.undo != nil: try undo()
    case .bake where algebra.extract != nil: try extract()
    case .bake: try bake()
    case .bundle: try bundle()
    case .split: try split()
    case .adapter: try mergeAdapters()
    case .compare: try compare()
    }
  }

  /// The output; `validate()` makes sure that there is one.
  var destination: FilePath { output ?? "" }
}
